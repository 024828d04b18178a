"""Finds the functions of a C++ file without a compiler: enough of the grammar to know which brace opens a function body.

Braces are read in three kinds: scopes that may hold functions (namespace, class, struct, union, extern "C"), function bodies,
and everything else (initializers, enums). A lambda inside a function counts to that function.
"""

import dataclasses
import re

BLANKED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL
)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum)\b|\bextern\s*$")
INITIALIZER_LIST = re.compile(r"\)\s*(?:noexcept\s*(?:\([^()]*\))?\s*)?:(?!:)")
ACCESS = re.compile(r"(?:\s*(?:public|private|protected)\s*:(?!:))*\s*")
NAME = re.compile(r"([~\w:]+(?:\s*<[^()]*>)?|operator\s*\S+)\s*\(")


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        return self.last_line - self.first_line + 1


def blank(text: str) -> str:
    """Comments, strings and preprocessor lines become spaces; every newline stays, so that line numbers hold."""

    def spaces(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match.group(0))

    return PREPROCESSOR.sub(spaces, BLANKED.sub(spaces, text))


def closing(text: str, opening: int, pair: str) -> int:
    """The place of the bracket that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == pair[0]) - (text[place] == pair[1])
        if depth == 0:
            return place
    return len(text) - 1


def is_function(header: str) -> bool:
    """Whether this text before a brace declares a function with a body."""
    if "(" not in header or SCOPE.search(re.sub(r"<[^<>]*>", "", header).split("(")[0]):
        return False
    outside = re.sub(r"\([^()]*\)", "", re.sub(r"operator\s*[^\s\w(]+", "", header))
    while "(" in outside and re.search(r"\([^()]*\)", outside):
        outside = re.sub(r"\([^()]*\)", "", outside)
    outside = re.sub(r"<[^<>;]*>", "", outside)
    return "=" not in outside


def opens_initializer(header: str) -> bool:
    """In a constructor's list `: a_{1}, b_{2} {`, a brace right after a name belongs to that member."""
    return bool(INITIALIZER_LIST.search(header)) and bool(re.search(r"[\w>]\s*$", header))


def functions(source: str) -> list[Function]:
    text = blank(source)
    found: list[Function] = []
    start = place = 0
    while place < len(text):
        character = text[place]
        if character == "(":
            place = closing(text, place, "()")
        elif character in ";}":
            start = place + 1
        elif character == "{":
            header = text[start:place]
            if opens_initializer(header):
                place = closing(text, place, "{}")
            elif is_function(header):
                end = closing(text, place, "{}")
                first = start + ACCESS.match(header).end()
                name = NAME.search(header, ACCESS.match(header).end())
                found.append(Function(name.group(1) if name else "?", source.count("\n", 0, first) + 1, source.count("\n", 0, end) + 1))
                place, start = end, end + 1
            elif SCOPE.search(header) and not re.search(r"\benum\b", header):
                start = place + 1
            else:
                place = closing(text, place, "{}")
        place += 1
    return found
