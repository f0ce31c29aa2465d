"""A reader for the headers under Sources/MusterABI/include/muster.

It understands the C that those headers are written in (rule 2 of the ABI keeps it small): definitions, typedefs,
structures with one nesting of unions and structures, function pointers, prototypes, and the comments in front of them.
Whatever it does not understand is an error, so that nothing slips past the checks that stand on it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "Sources/MusterABI/include"

TAGS = (
    "[control-thread]",
    "[loop-thread: must not block]",
    "[any-thread]",
    "[worker-pool: may block]",
)


class HeaderError(Exception):
    """The header says something this reader does not understand."""


@dataclass
class Doc:
    """A /** … */ comment: its sentences, and what follows each @word."""

    text: str
    parameters: list = field(default_factory=list)  # (name, text)
    returns: str = ""
    since: str = ""
    tag: str = ""


@dataclass
class Member:
    """A member of a structure, or a prototype."""

    name: str
    declaration: str  # whole, on one line, without the semicolon
    doc: Doc | None
    line: int
    is_function: bool
    parameters: str = ""


@dataclass
class Item:
    """A declaration at the top level: kind is define, typedef, struct, function or section."""

    kind: str
    name: str
    text: str
    doc: Doc | None
    line: int
    members: list = field(default_factory=list)


@dataclass
class Header:
    path: Path
    introduction: str  # the comment at the top, without its stars
    items: list

    @property
    def include_name(self):
        parts = self.path.parts
        return "/".join(parts[parts.index("muster"):]) if "muster" in parts else self.path.name

    def structures(self):
        return [item for item in self.items if item.kind == "struct"]


def public_headers():
    """Every header but the umbrella, the core first."""
    paths = sorted(INCLUDE.glob("muster/**/*.h"))
    paths = [path for path in paths if path.name != "muster.h"]
    return sorted(paths, key=lambda path: (path.name != "core.h", path.name))


TOKEN = re.compile(
    r"(?P<doc>/\*\*(?!/).*?\*/)"
    r"|(?P<comment>/\*.*?\*/|//[^\n]*)"
    r"|(?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)"
    r"|(?P<blank>\s+)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<brace>[{}();])"
    r"|(?P<code>[^\s{}();#/\"]+|/)",
    re.DOTALL | re.MULTILINE,
)


def read(path):
    """Reads one header."""
    path = Path(path)
    return Reader(path, path.read_text(encoding="utf-8")).header()


def strip_stars(comment):
    """The lines of a comment without its delimiters and leading stars."""
    body = re.sub(r"^/\*+|\*+/$", "", comment)
    lines = [re.sub(r"^\s*\* ?", "", line) if number else line.strip() for number, line in enumerate(body.split("\n"))]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def parse_doc(comment):
    """Splits a doc comment into its sentences and its @words."""
    text = strip_stars(comment)
    tag = ""
    found = re.search(r"\s*(\[[^\[\]]*\])\s*$", text)
    if found and found.group(1).startswith(("[control", "[loop", "[any", "[worker")):
        tag = found.group(1)
        text = text[: found.start()]
    pieces = re.split(r"(?m)^@(param|return|since)\b[ \t]*", text)
    doc = Doc(text=pieces[0].strip(), tag=tag)
    for word, body in zip(pieces[1::2], pieces[2::2]):
        body = " ".join(body.split())
        if word == "param":
            name, _, rest = body.partition(" ")
            doc.parameters.append((name, rest))
        elif word == "return":
            doc.returns = body
        else:
            doc.since = body
    return doc


class Reader:
    """A pass over the tokens of one header."""

    def __init__(self, path, source):
        self.path = path
        self.source = source
        self.tokens = []
        position = 0
        while position < len(source):
            found = TOKEN.match(source, position)
            if not found:
                raise HeaderError(f"{path}:{self.line_at(position)}: cannot read {source[position:position + 20]!r}")
            if found.lastgroup != "blank":
                self.tokens.append((found.lastgroup, found.group(), self.line_at(position)))
            position = found.end()
        self.index = 0

    def line_at(self, position):
        return self.source.count("\n", 0, position) + 1

    def header(self):
        introduction, items, doc = "", [], None
        while self.index < len(self.tokens):
            kind, text, line = self.tokens[self.index]
            if kind == "doc":
                doc = parse_doc(text)
                self.index += 1
            elif kind == "comment":
                if not introduction and not items:
                    introduction = strip_stars(text)
                elif title := re.match(r"/\* -{10,} (.*?) \*/", text):
                    items.append(Item("section", title.group(1), "", None, line))
                self.index += 1
            elif kind == "directive":
                self.index += 1
                if found := re.match(r"\s*#\s*define\s+(\w+)(.*)", text, re.DOTALL):
                    items.append(Item("define", found.group(1), " ".join(found.group(2).split()), doc, line))
                    doc = None
            else:
                item = self.declaration(doc, line)
                doc = None
                if item:
                    items.append(item)
        return Header(self.path, introduction, items)

    def declaration(self, doc, line):
        """One declaration up to its semicolon; None for what carries no meaning of its own."""
        words = self.until_semicolon_or_brace()
        if words and words[-1] == "{":
            if words[0] == "extern":
                return None
            if words[:2] != ["typedef", "struct"] or len(words) != 4:
                raise HeaderError(f"{self.path}:{line}: expected `typedef struct name {{`, found `{' '.join(words)}`")
            members = self.members()
            name = " ".join(self.until_semicolon_or_brace()[:-1])
            return Item("struct", name, "", doc, line, members)
        text = tidy(words[:-1])
        if not text or text == "}" or re.fullmatch(r"struct \w+", text):
            return None
        if text.startswith("typedef "):
            return Item("typedef", text.split()[-1], text, doc, line)
        found = re.fullmatch(r"(.*?)(\w+)\((.*)\)", text)
        if not found:
            raise HeaderError(f"{self.path}:{line}: expected a declaration, found `{text}`")
        item = Item("function", found.group(2), text, doc, line)
        item.members = [Member(found.group(2), text, doc, line, True, found.group(3))]
        return item

    def until_semicolon_or_brace(self):
        """The words up to and including the next `;` or `{` (or a lone `}`), parentheses kept whole."""
        words = []
        while self.index < len(self.tokens):
            kind, text, _ = self.tokens[self.index]
            self.index += 1
            if kind in ("doc", "comment", "directive"):
                continue
            words.append(text)
            if text in (";", "{") or (text == "}" and len(words) == 1):
                break
        return words

    def members(self):
        """The members of a structure whose brace is open, through its closing brace."""
        members, doc = [], None
        while self.index < len(self.tokens):
            kind, text, line = self.tokens[self.index]
            if kind == "doc":
                doc = parse_doc(text)
                self.index += 1
                continue
            if text == "}":
                self.index += 1
                return members
            words, depth = [], 0
            while self.index < len(self.tokens):
                kind, text, _ = self.tokens[self.index]
                self.index += 1
                if kind in ("doc", "comment", "directive"):
                    continue
                depth += {"{": 1, "}": -1}.get(text, 0)
                if text == ";" and depth == 0:
                    break
                words.append(text)
            declaration = tidy(words)
            members.append(member(declaration, doc, line, self.path))
            doc = None
        raise HeaderError(f"{self.path}: a structure does not end")


def tidy(words):
    """Joins words of C as a person writes them."""
    text = " ".join(words)
    text = re.sub(r"\s*\(\s*", "(", text)
    text = re.sub(r"\s*\)", ")", text)
    text = re.sub(r"(\w)\((\*)", r"\1 (\2", text)
    text = re.sub(r"\*\(\*", "*(*", text)
    return re.sub(r"\s+([,;])", r"\1", text)


def member(declaration, doc, line, path):
    """Names a member: a function pointer, a nested union or structure, an array, or a plain one."""
    if found := re.fullmatch(r"(.*?)\(\*\s*(\w+)\)\((.*)\)", declaration):
        return Member(found.group(2), declaration, doc, line, True, found.group(3))
    if found := re.search(r"}\s*(\w+)$", declaration):
        return Member(found.group(1), declaration, doc, line, False)
    if found := re.fullmatch(r".*?(\w+)\s*(\[\w+\])?\s*(:\s*\d+)?", declaration):
        return Member(found.group(1), declaration, doc, line, False)
    raise HeaderError(f"{path}:{line}: expected a member, found `{declaration}`")
