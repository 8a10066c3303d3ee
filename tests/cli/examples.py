#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples for other programs: examples.py CTL SOURCE_ROOT

The mail example sends nothing until it has an address, and then a letter that names DIMM,
slot and advice, to a server on loopback. What node-problem-detector's configuration calls is
called as that program would: its limits hold.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

ctl, root = sys.argv[1:3]
findings = []
NOTICE = {'SOFTOFFLINE_KIND': 'verdict', 'SOFTOFFLINE_DIMM': 'DIMM_B0', 'SOFTOFFLINE_SLOT': 'CPU1 B1',
          'SOFTOFFLINE_PART': 'M393', 'SOFTOFFLINE_VERDICT': 'repair-at-reboot',
          'SOFTOFFLINE_VERDICT_BEFORE': 'watch', 'SOFTOFFLINE_TIMES': '3',
          'SOFTOFFLINE_DROPPED': '0', 'SOFTOFFLINE_MESSAGE': 'DIMM_B0: verdict: 1 faulty row.'}


def expect(condition, text):
    if not condition:
        findings.append(text)


class Server:
    """A mail server that takes one letter."""

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.socket.settimeout(60)
        self.heard, self.letter = [], None
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        try:
            connection, _ = self.socket.accept()
        except OSError:
            return
        with connection, connection.makefile('rwb') as f:
            def say(text):
                f.write(text.encode() + b'\r\n')
                f.flush()
            say('220 here')
            while line := f.readline().decode().strip():
                self.heard.append(line)
                if line == 'DATA':
                    say('354 go on')
                    lines = iter(f.readline, b'.\r\n')
                    self.letter = b''.join(lines).decode()
                say('221 bye' if line == 'QUIT' else '250 yes')
                if line == 'QUIT':
                    return

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def mail(folder, to, **notice):
    """Runs the example with that address; returns what the server has then."""
    server = Server()
    with open(f'{root}/systemd/notify-mail', encoding='utf-8') as f:
        text = f.read()
    text, n = re.subn(r"^to='' .*$", f"to='{to}'", text, flags=re.M)
    port = server.socket.getsockname()[1]
    text, k = re.subn(r"^server=.*$", f"server='smtp://127.0.0.1:{port}'", text, flags=re.M)
    expect(n == k == 1, 'notify-mail: cannot be read by this test')
    path = f'{folder}/mail'
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    done = subprocess.run(['sh', path], capture_output=True, text=True, check=False, timeout=60,
                          env={'PATH': os.environ['PATH'], 'HOME': '/', **NOTICE, **notice})
    expect(done.returncode == 0 and not done.stderr, f'notify-mail: {done.stderr}')
    server.end()
    return server


def check_mail(folder):
    expect(mail(folder, '').letter is None, 'notify-mail: sends without an address')
    expect(mail(folder, 'a@b', SOFTOFFLINE_KIND='first-ce').letter is None,
           'notify-mail: sends what nobody wants')
    server = mail(folder, 'ops@example.org b@example.org')
    expect({'RCPT TO:<ops@example.org>', 'RCPT TO:<b@example.org>'} <= set(server.heard),
           f'notify-mail: {server.heard}')
    for part in ('To: ops@example.org, b@example.org\r\n',
                 ': DIMM_B0 (slot CPU1 B1): repair-at-reboot (was watch)\r\n',
                 '\r\n\r\nDIMM_B0: verdict: 1 faulty row.\r\n', 'event log',
                 'stands for 3 notices'):
        expect(part in (server.letter or ''), f'notify-mail: no {part!r} in {server.letter}')
    # A name of a DIMM cannot become a line of the header, whatever echo makes of it.
    letter = mail(folder, 'a@b', SOFTOFFLINE_DIMM='x\\nBcc: c@d\\r\u00e9', SOFTOFFLINE_SLOT='').letter or ''
    expect(': x\\nBcc: c@d\\r??: ' in letter and '\nBcc' not in letter, f'mail: {letter}')
    letter = mail(folder, 'a@b', SOFTOFFLINE_KIND='first-ce', SOFTOFFLINE_DROPPED='9').letter or ''
    expect('found no place before it: 9.' in letter, f'mail: {letter}')
    letter = mail(folder, 'a@b', SOFTOFFLINE_VERDICT='replace').letter or ''
    expect('replace the DIMM DIMM_B0 (slot CPU1 B1), part M393.' in letter, f'mail: {letter}')


def seconds(text):
    return int(re.fullmatch(r'(\d+)s', text)[1])


def check_npd():
    with open(f'{root}/monitoring/node-problem-detector/softofflined-monitor.json',
              encoding='utf-8') as f:
        config = json.load(f)
    types = {c['type'] for c in config['conditions']}
    # Else a condition keeps its first message as long as it is true.
    expect(config['pluginConfig']['enable_message_change_based_condition_update'], 'npd: message')
    # As Validate() of custompluginmonitor/types has it.
    expect(config['plugin'] == 'custom', 'npd: plugin')
    for rule in config['rules']:
        expect(rule['type'] == 'permanent' and rule['condition'] in types, f'npd: {rule}')
        # The probe gives up after eight seconds; no run begins before the last one has ended.
        expect(8 < seconds(rule['timeout']) <= seconds(config['pluginConfig']['timeout'])
               < seconds(config['pluginConfig']['invoke_interval']), 'npd: times')
        expect(os.path.basename(rule['path']) == 'softofflinectl', f'npd: {rule["path"]}')
        done = subprocess.run([ctl, *rule['args']], capture_output=True, check=False, timeout=60,
                              env={**os.environ,
                                   'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent'})
        expect(done.returncode == 2 and not done.stderr, f'npd: {done}')
        expect(0 < len(done.stdout) <= config['pluginConfig']['max_output_length'] + 1,
               f'npd: {done.stdout}')


def main():
    check_npd()
    if shutil.which('curl'):
        with tempfile.TemporaryDirectory() as folder:
            check_mail(folder)
    else:
        print('notice: no curl: the mail example is not tried')
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
