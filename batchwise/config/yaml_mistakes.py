"""What is wrong with a text that is no YAML, in words of ours: those of the parser are for people who write parsers."""

import re

from batchwise.common.messages import cut

# {what the parser says: what a person can do}; the first that is found counts
_SENTENCES = {
    r"^(.+) is no number$": "{0} is no number",
    r"found character '\\t'": "a tab, which YAML does not take for indentation; use spaces",
    r"found character '?(.+?)'? that cannot start": "a value that begins with {0}; put it in quotes",
    r'duplicate key "([^"]*)': "the key {0} is given more than once in a mapping; leave one of them",
    r"duplicate merge key": "the key << is given more than once in a mapping; give it once, with a list",
    r"merging|2002:merge": "<< must be a mapping of this file (*name), or a list of such",
    r"another document|document separator|<document start>": "what follows is another document; write one alone",
    r"unhashable key": "a mapping is the key of another; a key is a name",
    r"end of stream|<stream end>": "the file ends within a value; close its quote or bracket",
    r"are not allowed here": "a `: `, `- ` or `? ` that cannot be here; put the value in quotes, or indent it",
    r"<block end>": "this line is not indented like those that it belongs to",
    r"expected ':'": "a key without its colon; write `key: value`",
    r"expected ',' or": "a comma or a closing bracket is missing",
    r"node content": "a value is missing, or there is a bracket or a dash too many",
    r"escape|hexdecimal": "an unknown escape in a text; write it in single quotes, or \\\\ for a backslash",
    r"tag|URI": "a tag (!) is not allowed; a value needs none",
    r"directive|YAML document": "a directive (%) is not allowed; leave it out",
}
_OTHERWISE = "this cannot be read; see to the quotes, brackets and indentation here"


def sentence(problem: str) -> str:
    """Return our sentence for a problem as the parser puts it."""
    for pattern, ours in _SENTENCES.items():
        if found := re.search(pattern, problem):
            return ours.format(*map(cut, found.groups()))
    return _OTHERWISE
