"""The rules that every header of the ABI keeps; the design's reasons are in docs/architecture.md."""

import re

from . import headers

FORBIDDEN = {
    r"\b(unsigned|signed|short|int|long|wchar_t)\b": "has another width on another platform: use a type of <stdint.h>",
    r"\b(time_t|off_t|ssize_t|mode_t|pid_t|clock_t)\b": "is the platform's to define: use a type of <stdint.h>",
    r"\b(bool|_Bool)\b": "differs between C and C++: use uint32_t, 0 or 1",
    r"\benum\b": "has a width the compiler chooses: use constants and a typedef of uint32_t",
    r"\b(FILE|errno|va_list|jmp_buf)\b": "belongs to one copy of the C library: pass a value or a descriptor",
    r"\.\.\.": "cannot be called from other languages: pass an array and a count",
}


def check(header):
    """What is wrong with one header: sentences that begin `path:line: `."""
    return [
        f"{header.path}:{line}: {message}"
        for rule in (functions, tables, types)
        for line, message in rule(header)
    ]


def functions(header):
    """Rule 5: every function says when it appeared and which thread calls it. Rule 2: none lacks a context."""
    for item in header.items:
        for member in item.members:
            if not member.is_function:
                continue
            name = f"{item.name}.{member.name}" if item.kind == "struct" else f"{member.name}()"
            if member.doc is None or not member.doc.text:
                yield member.line, f"{name} has no comment: say what it does, when it is called, who owns what"
                continue
            if not re.match(r"\d+\.\d+$", member.doc.since):
                yield member.line, f"the comment of {name} lacks `@since MAJOR.MINOR`"
            if member.doc.tag not in headers.TAGS:
                found = f"`{member.doc.tag}`" if member.doc.tag else "nothing of the kind"
                yield member.line, (
                    f"the comment of {name} must end in a thread tag, {' or '.join(headers.TAGS)}; found {found}"
                )
            first = member.parameters.split(",")[0].strip()
            if item.kind == "struct" and first not in ("void *context", f"const struct {item.name} *request"):
                yield member.line, f"{name} must take `void *context` first, so that a callback knows its owner"


def tables(header):
    """Rule 1: what may grow says how large it is, and has the constant that freezes its first size."""
    constants = {item.name for item in header.items if item.kind == "define"}
    for structure in header.structures():
        if structure.doc is None:
            yield structure.line, f"{structure.name} has no comment"
        elif "Frozen." in structure.doc.text:
            continue
        first = [member.declaration for member in structure.members[:3]]
        if first != ["uint32_t struct_size", "uint16_t abi_major", "uint16_t abi_minor"]:
            yield structure.line, (
                f"{structure.name} must begin with `uint32_t struct_size; uint16_t abi_major; uint16_t abi_minor;`, "
                "or its comment must say `Frozen.`"
            )
        constant = f"{structure.name.upper()}_SIZE_1_0"
        if constant not in constants and not any(re.match(rf"{structure.name.upper()}_SIZE_", it) for it in constants):
            yield structure.line, f"{structure.name} lacks its first size, `#define {constant} …`"


def types(header):
    """Rule 2: fixed widths, and nothing that another language or another C library reads otherwise."""
    for item in header.items:
        declared = [(member.declaration, member.line) for member in item.members]
        if item.kind == "typedef":
            declared.append((item.text, item.line))
        for text, line in declared:
            for pattern, reason in FORBIDDEN.items():
                if found := re.search(pattern, text):
                    yield line, f"`{found.group()}` in `{text}` {reason}"
            if re.search(r"\w\s*:\s*\d+", text):
                yield line, f"`{text}` is a bit-field, whose place the compiler chooses: use flags"


def unpinned(header, layout):
    """What of a header has no line in layout.c."""
    pinned = set(re.findall(r"^(?:SIZE|OFFSET|FIRST_SIZE)\(([^;]*?), \d+\);", layout, re.MULTILINE))
    for structure in header.structures():
        wanted = [structure.name] + [f"{structure.name}, {member.name}" for member in structure.members]
        if missing := [name for name in wanted if name not in pinned]:
            yield (
                f"{header.path}:{structure.line}: {structure.name} is not pinned in Sources/MusterABI/layout.c "
                f"({missing[0]}): add what `scripts/abi-layout {structure.name}` prints"
            )
    for item in header.items:
        if item.kind == "define" and "_SIZE_" in item.name:
            if not any(name.startswith(f"{item.name}, ") for name in pinned):
                yield f"{header.path}:{item.line}: {item.name} is not pinned in Sources/MusterABI/layout.c (FIRST_SIZE)"
