"""What begins like a time and isn't clear, and what begins with a number and is none; pure.

`around 2pm`, `last night`, `14:05-14:20`, `a few minutes ago` have to be asked about; `22.04 hosts`,
`3/4 of the pods`, `10.5 GB` plainly are versions and amounts.
"""

import re
from typing import Final

from incidents.core.times import COUNT, split_duration
from incidents.core.typed_dates import CLOCKISH, MONTH, UNIT, WEEKDAY

# What begins a text is within these characters: long digits must not take long.
_MOST: Final = 120
_END: Final = r"(?=[\s,;:.!?)\]]|$)"
_CLOCK: Final = r"(?:\d{1,2}:\d{2}(?::\d{2})?|\d{1,2}h\d{2})"
_UNITS: Final = (
    r"(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?|years?)"
)
_SOME: Final = (
    rf"(?:\d[\d.,]*|(?:half )?an?|{COUNT}|(?:a )?(?:few|couple of|couple)|some|several|many)"
)
_DAY_NAME: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
# What versions and amounts are of.
_THINGS: Final = (
    r"(?:hosts?|nodes?|servers?|machines?|boxes|vms?|instances?|containers?|pods?|replicas?|shards?"
    r"|regions?|zones?|clusters?|images?|builds?|releases?|versions?|upgrades?|updates?|clients?|agents?"
    r"|devices?|disks?|drives?|cores?|threads?|workers?|jobs?|checks?|tests?|retries|requests?|queries"
    r"|customers?|users?|people|tenants?|carts?|orders?|payments?|rows?|tables?|records?|messages?|files?"
    r"|sites?|stores?|links?|done|complete|ready|healthy|failed|ok|up|down|services?|lts|release|rollouts?|support|odds|ratio|average|avg|and (?:later|newer))"
)
# A verb or a subject: what comes before it is a time, not an amount.
SAYS: Final = (
    r"(?:we|i|he|she|it|they|i'm|we've|i've|the|our|all|everything|nobody|somebody"
    r"|began|broke|went|came|fell|saw|sent|took|ran|found|lost|got|hit|made|put|set|shut|rose"
    r"|(?!need|speed|feed|seed|indeed|red\b)\w{2,}ed)\b"
)

_PLAIN: Final = re.compile(
    rf"\d{{1,3}}[.,]\d{{1,2}}\s*(?:{UNIT}|{_THINGS}\b|(?:is|was|are|were|has|had|vs|to)\s)"
    rf"|(?:1[3-9]|[2-9]\d|\d{{3,}})/(?:1[3-9]|[2-9]\d|\d{{3,}})\b"
    rf"|(?:24/7|\d{{1,3}}/\d{{1,3}}\s*(?:of|{_THINGS}|{UNIT}))(?!\s+{CLOCKISH})\b",
    re.IGNORECASE,
)
_DOUBTFUL: Final = re.compile(
    "|".join(
        (
            # counted from something else, or from now on: `+10m`, `10 min later`, `in an hour`
            rf"(?!\+\d(?:$|\s(?!{_UNITS}\b)))[-+]\d+[a-z]*{_END}",
            rf"{_SOME}\s*{_UNITS} (?:earlier|later|back|before|after|prior|hence|from now|into){_END}",
            rf"in {_SOME}\s*{_UNITS}{_END}",
            rf"\d{{1,3}}\s?(?:m|mins?|minutes?|h|hrs?|hours?)(?::\s|,?\s+{SAYS})",
            # how long ago nobody knows
            (
                rf"(?:(?:about|around|roughly|approx\.?|almost|nearly|over|more than|less than|maybe|~|≈)\s*)?"
                rf"(?:(?:{_SOME}|three|not|so)\s*(?:[\w.,]+\s+){{0,4}}?)?(?:{_UNITS}|while|moments?|time|bit|long|ages)\.?"
                rf"\s+ago{_END}|\d+ ago{_END}"
            ),
            # a time of day that isn't one, is about one, or is two
            rf"{_CLOCK}(?:-?ish|\s?[ap]\.?m?)?(?![\w:])",
            (
                rf"(?:~|≈|c\.|(?:ca\.?|circa|about|around|approx\.?|approximately|roughly|since|from|by|until|till"
                rf"|before|after|between|shortly (?:after|before)|just (?:after|before)|maybe|probably|almost"
                rf"|nearly|past|some ?time (?:after|before|around))\s)\s*(?:at |about |around )?{CLOCKISH}"
            ),
            rf"(?:since|from|by|until|till|before|after) (?:yesterday|last (?:night|week|month)|this (?:morning|afternoon|evening)|{_DAY_NAME}){_END}",
            rf"\d[\d./-]{{2,9}},?\s+{CLOCKISH}",
            (
                rf"(?:at )?(?:(?:half|(?:a )?quarter|five|ten|twenty|twenty-five) (?:past|to|after|before)|\d{{1,2}} past)"
                rf" (?:\d{{1,2}}|{COUNT}|noon|midnight){_END}"
            ),
            rf"(?:at )?(?:\d{{1,2}}|{COUNT}) o.?clock{_END}|half \d{{1,2}}(?:[,:;]|\s+{SAYS})",
            rf"at (?:[01]?\d|2[0-3])(?=[,:;]|$|\s+(?!{UNIT}|{_THINGS}\b|(?:[a-z]+s|out|of)\b))",
            r"(?:noon|midnight)\s+\w",
            # a day that isn't named, is to come, or lacks its time
            r"last (?:night|week|weekend|month|hour|evening)" + _END,
            r"(?:early |late |earlier |later )?(?:this|yesterday|tomorrow) (?:morning|noon|afternoon|evening|night)"
            + _END,
            rf"(?:earlier|later) (?:today|yesterday|on|this (?:week|month)){_END}|earlier(?:[,:]|\s{SAYS})",
            rf"(?:tonight|overnight|tomorrow|next (?:week|month)|(?:the )?day before(?: yesterday)?){_END}",
            rf"the other (?:day|night){_END}",
            rf"(?:over|on|at|during) the weekend{_END}|(?:at|during the|in the) (?:night|morning|afternoon|evening){_END}",
            rf"(?:on )?(?:{WEEKDAY})\.?[,:;]|(?:on |last |next )?\w{{3,6}}day (?:morning|noon|afternoon|evening|night){_END}",
            rf"(?:on )?(?:the )?\d{{1,2}}(?:st|nd|rd|th) (?:of )?(?:{MONTH})\b",
            r"(?:0\d-(?:0[1-9]|[12]\d|3[01])|(?:[12]\d|3[01])-0\d)" + _END,
            r"\d{4}-w\d{2}" + _END,
            # a number with two decimals that may be a time or a day
            r"(?:(?:[01]\d|2[0-3])\.[0-5]\d|(?:[12]\d|3[01]|0?[1-9])\.(?:0\d|1[0-2]))(?=[\s,;:]|$)",
            rf"[1-9]\.[0-5]\d(?:[,:;]|\s+{SAYS})",
        )
    ),
    re.IGNORECASE,
)
_RATIO: Final = re.compile(
    r"\d{1,2}:\d{2}\s+(?:ratio|odds|split|aspect|mix|min|mins|minutes|hours|into|later)\b",
    re.IGNORECASE,
)


# `500 errors gone?` asks about errors, and `10 is it well?` comes back after ten minutes.
_COUNT: Final = re.compile(
    rf"(?:\d{{1,3}}|(?!an? ){COUNT})\s+(?:more |of |{_THINGS}\b"
    r"|(?!(?:does|was|has|this|status|progress|is|its|as|us)\b)[a-z]{2,}s\b)",
    re.IGNORECASE,
)
_UNTIL: Final = re.compile(
    rf"(?:until|till)\s|(?:at|by|to)\s+(?:(?:{WEEKDAY}|tomorrow|tonight|the end|end of|eo[dw]|\d{{1,2}})(?=[\s,:;]|$)"
    rf"|{CLOCKISH})"
    rf"|{CLOCKISH}|(?:tomorrow|tonight|noon|midnight|eod)\b|(?:next |on )?(?:{_DAY_NAME})\b",
    re.IGNORECASE,
)


def begins_with_a_count(text: str) -> bool:
    """Tell whether the text begins with a number of something: `3 pods`, `20 customers`."""
    return _COUNT.match(text[:_MOST]) is not None and split_duration(text)[0] is None


def says_until_when(text: str) -> bool:
    """Tell whether the text begins with a time to come: `until 14:30`, `tomorrow 9am`, `noon`."""
    if is_plain_number(text) or split_duration(text)[0] is not None:
        return False
    return _UNTIL.match(text[:_MOST]) is not None


def is_plain_number(text: str) -> bool:
    """Tell whether the text begins with a version or an amount: `22.04 hosts`, `3/4 of the pods`."""
    return _PLAIN.match(text[:_MOST]) is not None


def may_be_a_moment(text: str) -> bool:
    """Tell whether the text begins like a time, so that nobody may take it for mere text."""
    return _DOUBTFUL.match(text[:_MOST]) is not None


def is_rather_a_ratio(text: str) -> bool:
    """Tell whether what looks like a time of day may be a ratio: `12:30 odds`."""
    return _RATIO.match(text) is not None
