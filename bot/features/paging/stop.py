"""*Stop calling*, under the answer to a declaration."""

from bot.features.escalation.card import OnEscalation
from bot.features.escalation.replies import answered_text
from bot.framework.verbs import Verb
from incidents.escalation.answers import withdraw

STOP = Verb(OnEscalation, buttons=("call_stop",), use_case=withdraw, tell=answered_text)
