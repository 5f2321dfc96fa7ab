"""The Web API: a table of methods and the endpoint that serves them."""

from tests.slack_server.web_api.endpoint import WebApi

__all__ = ["WebApi"]
