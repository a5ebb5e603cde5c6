# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the tree built as doc/architecture.md says?

    tests/house.py [TOP]

Prints each folder of src/ with its size and complains as "FILE:LINE: what", exit
code 1.  The limits are below.  Two tables of doc/architecture.md are read: the layers
(`| folder | what | may use |`) and the circles that are allowed, of folders or of files
in a folder (`| circle | why |`).
A header in include/ belongs to the folder whose .c files Makefile.am lists beside it.
Needs ctags (Debian package universal-ctags), but nothing that was built.
"""

import collections
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDER_FILES = 24
FUNCTION_LINES = 50
FILE_LINES = 500
TEST_LINES = 700
SKIPPED = 77  # what automake calls a test that could not be run
GENERATED = re.compile(r"config\.h|.*\.skel\.h|layout\.h")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)
GUARD = re.compile(r"\A\s*#ifndef (\w+)\n#define \1\b")
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
NAME = re.compile(r"`([^`]*)`")

Function = collections.namedtuple("Function", "name file line end")


def without_noise(text):
    """Comments and strings become blanks; line numbers stay."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def stem(file):
    """A .c file and the header of the same name are one thing."""
    return file.split(".")[0]


def folder_of(file):
    return file.rpartition("/")[0]


def circles(edges):
    """The groups of nodes that reach each other (Tarjan's components)."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in number:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == number[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in number:
            visit(node)
    return found


def tables(text):
    """Tables of a Markdown file: [(names of the columns, [(line, cells)])]."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not inside:
                found.append((cells, []))
            elif not set("".join(cells)) <= set("-:"):
                found[-1][1].append((number, cells))
        inside = line.startswith("|")
    return found


class House:
    def __init__(self, top=TOP):
        self.top = top
        self.complaints = []
        self.text = {}
        for path in sorted(top.glob("src/**/*.[ch]")) + sorted(top.glob("include/*.h")):
            if not GENERATED.fullmatch(path.name):
                self.text[str(path.relative_to(top))] = path.read_text(encoding="utf-8")
        self.functions = self.read_functions()
        self.owner = self.read_owners()
        self.uses = collections.defaultdict(set)
        self.read_architecture()

    def complain(self, file, line, what):
        self.complaints.append((file, line, what))

    def read_functions(self):
        done = subprocess.run(
            ["ctags", "-f", "-", "--sort=no", "--languages=C", "--langmap=C:.c.h",
             "--kinds-C=f", "--fields=ne", "--excmd=number", "-L", "-"],
            input="\n".join(self.text), capture_output=True, text=True, check=True,
            cwd=self.top)
        found = []
        for row in done.stdout.splitlines():
            if row.startswith("!"):
                continue
            name, file, _, *fields = row.split("\t")
            field = dict(f.split(":", 1) for f in fields if ":" in f)
            found.append(Function(name, file, int(field["line"]),
                                  int(field.get("end", field["line"]))))
        return found

    def read_owners(self):
        """The folder of each header in include/: where the .c files of its list are."""
        text = (self.top / "Makefile.am").read_text(encoding="utf-8").replace("\\\n", " ")
        owner = {}
        for line in text.splitlines():
            words = line.partition("=")[2].split()
            folders = {folder_of(w) for w in words if re.fullmatch(r"src/.*\.c", w)}
            for header in (w for w in words if re.fullmatch(r"include/\w+\.h", w)):
                if len(folders) == 1:
                    owner[header] = next(iter(folders))
        return owner

    def read_architecture(self):
        file = "doc/architecture.md"
        self.layers, self.allowed, self.met = {}, [], set()
        for head, rows in tables((self.top / file).read_text(encoding="utf-8")):
            if head == ["circle", "why"]:
                self.allowed += [(set(NAME.findall(cells[0])), line)
                                 for line, cells in rows]
            if head != ["folder", "what", "may use"]:
                continue
            for line, (name, _, uses) in rows:
                for folder in NAME.findall(name):
                    self.layers[folder] = (line, {u for u in NAME.findall(uses)
                                                  if u.startswith("src/")})
        if not self.layers:
            self.complain(file, 1, "no table of layers")
        edges = {folder: uses for folder, (_, uses) in self.layers.items()}
        for circle in circles(edges):
            if not self.is_allowed(circle):
                self.complain(file, self.layers[circle[0]][0],
                              "folders may use each other: " + ", ".join(circle))
        for folder, (line, uses) in self.layers.items():
            for name in [folder, *sorted(uses)]:
                if not (self.top / name).is_dir():
                    self.complain(file, line, f"there is no folder {name}")

    def is_allowed(self, circle):
        self.met |= {line for allowed, line in self.allowed if len(allowed & set(circle)) > 1}
        return any(set(circle) <= allowed for allowed, _ in self.allowed)

    # -- the rules ---------------------------------------------------------------------

    def check_sizes(self):
        for folder, files in self.folders().items():
            if len(files) > FOLDER_FILES:
                self.complain(folder, 1, f"{len(files)} files, at most {FOLDER_FILES}")
        for f in self.functions:
            if f.end - f.line + 1 > FUNCTION_LINES:
                self.complain(f.file, f.line, f"{f.name}() has {f.end - f.line + 1} lines, "
                              f"at most {FUNCTION_LINES}")
        tests = {str(p.relative_to(self.top)): p.read_text(encoding="utf-8")
                 for p in sorted(self.top.glob("tests/**/*")) if p.suffix in (".c", ".h", ".py")}
        for texts, limit in ((self.text, FILE_LINES), (tests, TEST_LINES)):
            for file, text in texts.items():
                if text.count("\n") > limit:
                    self.complain(file, limit, f"{text.count(chr(10))} lines, "
                                  f"at most {limit}")

    def check_names(self):
        def once(pairs, what):
            first = {}
            for key, file, line in pairs:
                if first.setdefault(key, file) != file:
                    self.complain(file, line, f"{what} {key} is in {first[key]}, too")
        once(((f.name, f.file, f.line) for f in self.functions if f.name != "main"),
             "function")
        once(((file.rpartition("/")[2], file, 1) for file in self.text
              if not file.endswith("/main.c")), "a file")
        guards = []
        for file, text in self.text.items():
            if file.endswith(".h"):
                found = GUARD.match(without_noise(text))
                if found:
                    guards.append((found[1], file, 1))
                else:
                    self.complain(file, 1, "no include guard")
        once(guards, "guard")

    def check_includes(self):
        for file, text in self.text.items():
            folder = self.owner.get(file, folder_of(file))
            if folder == "include":
                self.complain(file, 1, "belongs to no folder of src/ (see Makefile.am)")
                continue
            if folder not in self.layers:
                self.complain(file, 1, f"{folder} is not in the table of layers")
                continue
            for found in INCLUDE.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                self.check_include(file, line, folder, found[1])

    def check_include(self, file, line, folder, name):
        if GENERATED.fullmatch(name.rpartition("/")[2]):
            return
        header = "src/" + name if "/" in name else "include/" + name
        if header not in self.text:
            self.complain(file, line, f"{name}: write the path from src/ or include/")
            return
        used = self.owner.get(header, folder_of(header))
        if used == folder:
            return
        self.uses[folder].add(used)
        if used not in self.layers[folder][1]:
            self.complain(file, line, f"{name}: {folder} may not use {used}")

    def calls(self):
        """Calls between files of one folder: {folder: {(from, to): one of them}}."""
        at = collections.defaultdict(dict)  # folder -> name -> file
        for f in self.functions:
            at[folder_of(f.file)].setdefault(f.name, f.file)
        lines = {file: without_noise(text).split("\n") for file, text in self.text.items()}
        own = {(f.file, f.name) for f in self.functions}
        found = collections.defaultdict(dict)
        for f in self.functions:
            folder = folder_of(f.file)
            head = "\n".join(lines[f.file][f.line - 1:f.end]).partition("{")[0]
            for number in range(f.line, f.end + 1):
                for name in CALL.findall(lines[f.file][number - 1]):
                    to = at[folder].get(name)
                    if not to or (f.file, name) in own or stem(to) == stem(f.file):
                        continue
                    if not re.search(rf"\b{name}\b", head):  # a callback that was passed
                        found[folder].setdefault((stem(f.file), stem(to)),
                                                 (f, number, name))
        return found

    def check_circles(self):
        for folder, calls in self.calls().items():
            edges = collections.defaultdict(set)
            for a, b in calls:
                edges[a].add(b)
            for circle in circles(edges):
                if self.is_allowed(circle):
                    continue
                self.complain(folder, 1, "files call each other: " +
                              ", ".join(s.rpartition("/")[2] for s in circle))
                for (a, b), (f, line, name) in sorted(calls.items()):
                    if a in circle and b in circle:
                        self.complain(f.file, line, f"circle: {f.name}() calls {name}() "
                                      f"of {b.rpartition('/')[2]}")

    def check_allowed(self):
        for circle, line in self.allowed:
            if line not in self.met:
                self.complain("doc/architecture.md", line, "there is no such circle: " +
                              ", ".join(sorted(circle)))

    # -- what is printed ---------------------------------------------------------------

    def folders(self):
        found = collections.defaultdict(list)
        for file in self.text:
            found[folder_of(file)].append(file)
        return found

    def check(self):
        self.check_sizes()
        self.check_names()
        self.check_includes()
        self.check_circles()
        self.check_allowed()
        return sorted(self.complaints)

    def print_folders(self):
        print(f"{'folder':25} files lines functions longest  uses")
        for folder, files in sorted(self.folders().items()):
            functions = [f for f in self.functions if folder_of(f.file) == folder]
            longest = max((f.end - f.line + 1 for f in functions), default=0)
            lines = sum(self.text[f].count("\n") for f in files)
            uses = " ".join(sorted(u.removeprefix("src/") for u in self.uses[folder]))
            print(f"{folder:25} {len(files):5} {lines:5} {len(functions):9} "
                  f"{longest:7}  {uses}".rstrip())


def main(top):
    if not shutil.which("ctags"):
        print("ctags not found: install the Debian package universal-ctags",
              file=sys.stderr)
        return SKIPPED
    house = House(top)
    complaints = house.check()
    house.print_folders()
    for file, line, what in complaints:
        print(f"{file}:{line}: {what}", file=sys.stderr)
    print(f"{len(house.text)} files, {len(house.functions)} functions, "
          f"{len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TOP))
