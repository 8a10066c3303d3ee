#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash, zsh and fish complete is what the program takes: completion.py CTL SOURCE_ROOT

Verbs come from --help. Which options a verb takes is asked of the program itself. Each
shell that is installed is then asked what Tab offers. The DIMMs are those of a golden file,
and some with names that have to be quoted.
"""

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile

ctl, root = sys.argv[1:3]
findings = []
DIMMS = [{'label': 'P2-DIMMB1', 'slot': 'P2-DIMMB1', 'missing': False},
         {'label': 'a "b" \\c', 'slot': None, 'missing': False},
         {'label': 'CPU_SrcID#0_MC#0_Chan#0_DIMM#0', 'slot': 'A1', 'missing': False},
         {'label': 'Node0: DIMM=3 (x)', 'slot': None, 'missing': False},
         {'label': "it's $HOME `id`", 'slot': None, 'missing': False},
         {'label': None, 'slot': 'P9-GONE', 'missing': True},
         {'label': None, 'slot': None, 'missing': True}]
# Makes an interactive zsh print what it would offer, between two marks.
ZSH = r'''
PROMPT= RPROMPT= PS2=
autoload -Uz compinit && compinit -u -d $HOME/zcompdump
bindkey '^I' complete-word '^U' kill-whole-line
setopt no_beep
zstyle ':completion:*' insert-tab false
compadd() {
	local -a taken options
	options=(${@[1,(i)(-|--)]})
	if [[ " $options " == *" -"[[:alpha:]]#[OAD]* ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A taken "$@"
	for word in $taken; print -r -- "offer:$word"
	builtin compadd "$@"
}
mark() { print -r -- "mark" }
compprefuncs=(mark)
comppostfuncs=(mark)
setopt extended_glob
'''


def expect(found, wanted, text):
    if found != wanted:
        findings.append(f'{text}: lacks {sorted(wanted - found)}, has {sorted(found - wanted)}')


class Terminal:
    """An interactive shell on a terminal, as a person has it."""

    def __init__(self, argv, setup):
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.execvp(argv[0], argv)
        self.type(f'{setup}\n')
        self.type('echo rea""dy\n', 'ready')

    def type(self, keys, until=None):
        """Types @keys, and returns what is shown up to @until."""
        os.write(self.fd, keys.encode())
        shown = b''
        while until and until.encode() not in shown:
            if not select.select([self.fd], [], [], 60)[0]:
                raise RuntimeError(f'{keys!r}: nothing more came than {shown!r}')
            shown += os.read(self.fd, 4096)
        return shown.decode(errors='replace').replace('\r', '')

    def completed(self, words):
        """The last argument that the program gets if Tab and Return end @words."""
        shown = self.type(f'{words}\t\n', '<end>')
        return re.search(r'<begin>(.*)<end>', shown, re.S)[1]


# Instead of the program: prints the last argument that it got.
PRINT = "softofflinectl() { printf '<%s>%s<%s>\\n' begin \"$2\" end; }"


class Bash:
    def __init__(self):
        setup = ("bind 'set enable-bracketed-paste off'; . "
                 f'{shlex.quote(root)}/ctl/softofflinectl.bash')
        argv = ['bash', '--norc', '--noprofile', '-i']
        self.terminal = Terminal(argv, f'{setup}; {PRINT}')
        self.asked = Terminal(
            argv, f'{setup}; offers() {{ _softofflinectl "$@"; printf "offer:%s\\n" '
            '"${COMPREPLY[@]}"; echo "ma""rk"; }; complete -F offers softofflinectl')

    def offers(self, *words):
        shown = self.asked.type(' '.join(['softofflinectl', *words]) + '\t', 'mark')
        self.asked.type('\x15echo "don""e"\n', 'done')
        # As the shell would read the words that it has quoted.
        return {re.sub(r'\\(.)', r'\1', w) for w in re.findall(r'offer:(.+)', shown)}


class Fish:
    def offers(self, *words):
        line = ' '.join(['softofflinectl', *words])
        done = subprocess.run(
            ['fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]',
             f'{root}/ctl/softofflinectl.fish', line], capture_output=True, text=True, check=True)
        if done.stderr:
            findings.append(f'fish: {words}: {done.stderr}')
        return {w.split('\t')[0] for w in done.stdout.split('\n') if w}


class Zsh:
    """An interactive zsh on a terminal of its own: completion works nowhere else."""

    def __init__(self, folder):
        os.makedirs(f'{folder}/functions')
        shutil.copy(f'{root}/ctl/softofflinectl.zsh', f'{folder}/functions/_softofflinectl')
        with open(f'{folder}/setup', 'w', encoding='utf-8') as f:
            f.write(f'fpath=({folder}/functions $fpath)\n{ZSH}')
        self.folder = folder
        self.terminal = Terminal(['zsh', '-f', '-i'], f'source {folder}/setup; {PRINT}')

    def offers(self, *words):
        line = ' '.join(['softofflinectl', *words])
        script = ('zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z "source $1; print rea\\dy"; '
                  'while zpty -r z line; do [[ $line == *ready* ]] && break; done; '
                  'zpty -n -w z "$2"$\'\\t\'; integer n=0; '
                  'while ((n < 2)) && zpty -r z line; do print -r -- "$line"; '
                  '[[ $line == *mark* ]] && ((n++)); done; zpty -d z')
        done = subprocess.run(['zsh', '-f', '-c', script, 'zsh', f'{self.folder}/setup', line],
                              capture_output=True, text=True, check=False, timeout=60)
        # As the shell would read the words that it has quoted.
        return {re.sub(r'\\(.)', r'\1', w) for w in re.findall(r'offer:([^\r\n]+)', done.stdout)}


def program(*words):
    """What the program says to @words, where there is neither daemon nor hardware."""
    env = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent',
           'SOFTOFFLINECTL_SYSROOT': '/nonexistent'}
    return subprocess.run([ctl, *words], capture_output=True, text=True, env=env,
                          stdin=subprocess.DEVNULL, check=False, timeout=60)


def takes(verb, option):
    value = '=1' if 'needs a value' in program(option).stderr else ''
    done = program(*verb.split(), option + value)
    return not done.stderr.endswith(f'{verb} does not take {option}\n')


def check_shell(name, shell, verbs, options):
    first = {v.split()[0] for v in verbs}
    expect(shell.offers(''), first, f'{name}: verbs')
    expect(shell.offers('--json', ''), first, f'{name}: verbs after an option')
    expect(shell.offers('--lines', '3', ''), first, f'{name}: verbs after a value')
    for word in first - set(verbs):
        expect(shell.offers(word, ''), {v.split()[1] for v in verbs if v.startswith(f'{word} ')},
               f'{name}: verbs of {word}')
    expect({o for o in shell.offers('--') if o.startswith('--')},
           {o for verb in verbs for o in options[verb]}, f'{name}: options')
    for verb in verbs:
        found = {o.rstrip('=') for o in shell.offers(*verb.split(), '--')}
        expect({o for o in found if o.startswith('--')}, options[verb],
               f'{name}: options of {verb}')
    expect(shell.offers('pages', '--state', 'pe'), {'pending'}, f'{name}: --state')
    expect({o.removeprefix('--state=') for o in shell.offers('pages', '--state=pe')}, {'pending'},
           f'{name}: --state=')
    for verb, words in (('pages', {'pfn', 'memmap'}), ('export', {'csv', 'ndjson'})):
        expect(shell.offers(verb, '--format', ''), words, f'{name}: --format of {verb}')
    expect(shell.offers('policy', 'backtest', '--policy', 'wi'), {'windows'},
           f'{name}: --policy')
    expect(shell.offers('show', ''), set(), f'{name}: an address')
    names = {d['label'] or d['slot'] for d in DIMMS} - {None}
    expect(shell.offers('forget', ''), names, f'{name}: forget')
    expect(shell.offers('policy', 'show', ''), names, f'{name}: policy show')
    expect(shell.offers('policy', 'show', 'P2'), {'P2-DIMMB1'}, f'{name}: policy show P2')


def check_typed(name, terminal):
    """A name whose beginning is typed, in any quotes, reaches the program as it is."""
    for full in sorted({d['label'] or d['slot'] for d in DIMMS[:6]}):
        for quote in ('', '"', "'"):
            ends = range(2, len(full))
            for end in ends:
                begin = quoted(full[:end], quote)
                got = terminal.completed(f'softofflinectl forget {quote}{begin}')
                if got != full:
                    findings.append(f'{name}: {quote}{begin}: completed as {got}')


def quoted(text, quote):
    """@text as it is typed after @quote."""
    if quote == "'":
        return text.replace("'", "'\\''")
    return re.sub(r'([\\"$`])' if quote else r'([^\w.:=#-])', r'\\\1', text)


def stand_in(folder):
    """A softofflinectl that has only `dimms --json`, in the form in which ours prints it."""
    with open(f'{root}/tests/cli/golden/live-watch-dimms-json.txt', encoding='utf-8') as f:
        golden = f.read().split('--- stdout\n')[1].split('--- stderr')[0]
    rows = json.loads(golden)
    if golden.strip() != json.dumps(rows, indent=2, ensure_ascii=False):
        findings.append('live-watch-dimms-json.txt: has another form than the completions read')
    DIMMS.extend(rows)
    os.makedirs(f'{folder}/bin')
    path = f'{folder}/bin/softofflinectl'
    with open(path, 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\n[ "$*" = "dimms --json" ] || exit 2\ncat <<\\END\n'
                f'{json.dumps(DIMMS, indent=2, ensure_ascii=False)}\nEND\n')
    os.chmod(path, 0o755)
    os.environ['PATH'] = f'{folder}/bin:' + os.environ['PATH']


def stand_in_fails(folder):
    """As where no daemon runs, and the database is not for this user."""
    with open(f'{folder}/bin/softofflinectl', 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\necho "not running" >&2\nexit 3\n')


def main():
    text = program('--help').stdout
    listing, rest = text.split('Verbs:')[1].split('Options:')
    verbs = re.findall(r'^  ([a-z]+(?: [a-z]+)?) ', listing, re.M)
    known = sorted(set(re.findall(r'(--[a-z-]+)', rest)))
    options = {v: {o for o in known if o in ('--help', '--version') or takes(v, o)}
               for v in verbs}
    if len(verbs) < 6 or not any('--db' not in o for o in options.values()):
        findings.append('--help cannot be read by this test')
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({'HOME': folder, 'ZDOTDIR': folder, 'TERM': 'dumb'})
        stand_in(folder)
        shells = {'bash': Bash(), 'zsh': Zsh(folder), 'fish': Fish()}
        there = [name for name in shells if shutil.which(name)]
        for name in there:
            check_shell(name, shells[name], verbs, options)
            if name != 'fish':  # that says what it would offer, and quotes by itself
                check_typed(name, shells[name].terminal)
        stand_in_fails(folder)
        for name in there:
            expect(shells[name].offers('forget', ''), set(), f'{name}: forget, without a daemon')
    for finding in findings:
        print(finding)
    print(f'{len(verbs)} verbs, {len(known)} options in {", ".join(there)}')
    if set(shells) - set(there):
        print(f'notice: not here: {", ".join(sorted(set(shells) - set(there)))}')
    return 1 if findings or not there else 0


sys.exit(main())
