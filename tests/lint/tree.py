# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lint tests share: the source tree, the vocabulary, the build's flags.

Every test is called with environment SOURCE_ROOT and BUILD_ROOT, prints one line per
finding as file:line: what, and exits 0, 1, or 77 with the reason why it was skipped.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

SOURCE = os.environ['SOURCE_ROOT']
BUILD = os.environ['BUILD_ROOT']


def files(*suffixes, under=''):
    """Paths relative to the source root, sorted; build folders are left out."""
    found = []
    for folder, folders, names in os.walk(os.path.join(SOURCE, under)):
        folders[:] = sorted(
            d for d in folders
            if d not in ('.git', '__pycache__', 'build')
            and not os.path.isdir(os.path.join(folder, d, 'meson-private')))
        for name in sorted(names):
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), SOURCE))
    return found


def read(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
        return f.read()


def without_comments(text):
    """C text with comments and strings blanked out; line numbers stay."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'',
                  blank, text, flags=re.S)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def vocabulary():
    """reason.h and frame.h as {list name: [(word, meaning)]}."""
    text = (read('daemon/base/reason.h') + read('daemon/base/frame.h')).replace('\\\n', ' ')
    lists = {}
    for name, body in re.findall(r'#define (\w+)_LIST\(X\)([^\n]*)', text):
        lists[name] = re.findall(r'X\(\w+,\s*"([^"]*)",\s*"([^"]*)"\)', body)
        if not lists[name]:
            sys.exit(f'daemon/base/reason.h: {name}_LIST cannot be read')
    return lists


def man_text(path):
    """A page's mdoc source on one line, with the escapes undone."""
    text = read(path).replace('\\-', '-').replace('\\&', '').replace('\\(aq', "'")
    return re.sub(r'\s+', ' ', text)


def flags(path):
    """The compiler flags that matter to a check of `path`, from the build's own record."""
    with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as f:
        commands = json.load(f)
    for command in commands:
        source = os.path.join(command['directory'], command['file'])
        if os.path.realpath(source) != os.path.realpath(os.path.join(SOURCE, path)):
            continue
        words = shlex.split(command['command'])
        wanted = [w for w in words if re.match(r'-(D|U|I|isystem|std=|W(?!l,)|pthread)', w)]
        # Relative to the build folder; without optimization fortify only warns.
        return [w for w in wanted if not re.search('FORTIFY_SOURCE', w)]
    return None


def compilers():
    return [cc for cc in ('gcc', 'clang') if shutil.which(cc)]


def compile_only(cc, path, extra):
    """Diagnostics of one compiler for one file, or '' if there are none."""
    command = [cc, '-fsyntax-only', '-Werror', *extra, path]
    if cc == 'clang':
        # The flags were asked of the compiler that builds, which may be the other one.
        command[1:1] = ['-Wno-unknown-warning-option']
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
    return '' if done.returncode == 0 else done.stderr


def build_options():
    with open(os.path.join(BUILD, 'meson-info', 'intro-buildoptions.json'),
              encoding='utf-8') as f:
        return {o['name']: o['value'] for o in json.load(f)}


def sanitized():
    """True if the build has a sanitizer in it."""
    return build_options()['b_sanitize'] != 'none'


def need(tool):
    if not shutil.which(tool):
        skip(f'{tool} is not installed (scripts/deps --install)')
    return tool


def skip(why):
    print(f'skipped: {why}')
    sys.exit(77)


def finish(findings):
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    sys.exit(1 if findings else 0)
