#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The dashboard and the alerts on what a real run has left: vm.recording is filled into a
real Prometheus, with the recording rules, and each query of the dashboard returns data of
it. Alerts find what happened in that run, and only that."""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import recording

HERE = Path(__file__).resolve().parent
MONITORING = HERE.parents[1] / 'monitoring'
HANGING = 120  # seconds
# The scrapes of the run saw an uncorrected error and a stop.
IN_THE_RUN = {'SoftofflinedRepairDimm', 'SoftofflinedStopped', 'SoftofflinedUncorrectedError'}
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


class Prometheus:
    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / 'prometheus.yml').write_text('{}')
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.address = f'127.0.0.1:{s.getsockname()[1]}'
        self.process = None

    def promtool(self, *words):
        done = subprocess.run(['promtool', 'tsdb', 'create-blocks-from', *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f'promtool {words}: {done.stdout}')

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                ['prometheus', f'--config.file={self.folder}/prometheus.yml',
                 f'--storage.tsdb.path={self.folder}/series',
                 '--storage.tsdb.retention.time=100y', f'--web.listen-address={self.address}'],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + HANGING
        while True:
            try:
                with urllib.request.urlopen(f'http://{self.address}/-/ready', timeout=HANGING):
                    return
            except (ConnectionError, urllib.error.URLError):
                if time.monotonic() > end or self.process.poll() is not None:
                    sys.exit('Prometheus does not start: ' +
                             (self.folder / 'log').read_text()[-4000:])
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, **words):
        url = f'http://{self.address}/api/v1/{path}?' + urllib.parse.urlencode(words)
        try:
            with urllib.request.urlopen(url, timeout=HANGING) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as error:
            expect(False, f'{words}: {error.read().decode()}')
            return {'result': []}

    def at(self, expression, when):
        return self.ask('query', query=expression, time=when)['result']

    def over(self, expression, times):
        return self.ask('query_range', query=expression, start=times[0], end=times[-1],
                        step=15)['result']


def fill(server, run):
    """The recording, and what the recording rules make of it."""
    series = server.folder / 'series'
    text = server.folder / 'openmetrics'
    with open(text, 'w', encoding='utf-8') as out:
        run.write_openmetrics(out)
    server.promtool('openmetrics', str(text), str(series))
    server.start()
    # Rules that build on rules see their series a pass later.
    for _ in range(3):
        server.promtool('rules', f'--start={run.times[0]}', f'--end={run.times[-1]}',
                        '--eval-interval=15s', f'--url=http://{server.address}',
                        f'--output-dir={series}',
                        str(MONITORING / 'softofflined-fleet.rules.yml'))
        server.stop()
        server.start()


def check_labels(run):
    """No -1 of a driver; node_exporter's own names where it has them."""
    for key in run.series:
        for name, value in recording.labels_of(key).items():
            expect(not re.search(r'(^|:)-\d', value), f'{key}: {name} is "{value}"')
    edac = {k: recording.labels_of(k) for k in run.series if k.startswith('node_edac_')}
    expect(edac, 'no series of the edac collector')
    ours = [recording.labels_of(k) for k in run.series if 'softofflined_dimm_info' in k]
    theirs = {labels['controller'] for labels in edac.values()}
    expect({labels['controller'] for labels in ours if 'controller' in labels} <= theirs,
           f'controllers are {theirs} to node_exporter')


def check_sets(run):
    """One word of each state set is 1, at any time."""
    for name in 'softofflined_verdict', 'softofflined_source', 'softofflined_dimm_verdict_state':
        sets = {}
        for key in (k for k in run.series if recording.family(k) == name):
            of = {n: v for n, v in recording.labels_of(key).items()
                  if n not in ('verdict', 'state')}
            sets.setdefault(tuple(of.items()), []).append(run.series[key])
        expect(sets, f'{name}: no series')
        for of, rows in sets.items():
            for i, values in enumerate(zip(*rows)):
                expect(set(values) == {None} or
                       sorted(values) == ['0'] * (len(values) - 1) + ['1'],
                       f'{name} {of}: {values} at scrape {i}')


def check_dashboard(server, run):
    n = 0
    up = [t for t, v in zip(run.times, run.series['softofflined_up']) if v == '1']
    for path in sorted(MONITORING.glob('*.dashboard.json')):
        board = json.loads(path.read_text(encoding='utf-8'))
        for variable in board['templating']['list']:
            match = re.fullmatch(r'label_values\((\w+), (\w+)\)', str(variable['query']))
            if match:
                values = server.ask(f'label/{match.group(2)}/values',
                                    **{'match[]': match.group(1)})
                expect(values == ['vm:9100'], f'${variable["name"]}: {values}')
        for panel in board['panels']:
            for target in panel.get('targets', []):
                query = target['expr'].replace('$instance', '.*')
                data = (server.over(query, run.times) if target.get('range') else
                        server.at(query, up[-1]))
                values = [v for row in data for v in
                          row.get('values', [row.get('value')])]
                expect(values and not any(v[1] == 'NaN' for v in values),
                       f'{path.name}: {panel["title"]} {target["refId"]}: no data: {query}')
                n += 1
    expect(n >= 20, f'only {n} queries')
    print(f'{n} queries of the dashboard return data')


def check_joins(server, run):
    """Our series and node_exporter's meet on the controller."""
    data = server.over('sum by (instance, controller) (softofflined_corrected_errors_total) '
                       '+ on (instance, controller) '
                       'sum by (instance, controller) (node_edac_correctable_errors_total)',
                       run.times)
    expect(data, 'nothing of ours meets node_edac_correctable_errors_total')


def check_alerts(server, run):
    text = (MONITORING / 'softofflined.rules.yml').read_text(encoding='utf-8')
    found = set()
    for block in re.split(r'^ +- alert: ', text, flags=re.M)[1:]:
        name = block.split('\n', 1)[0]
        expression = re.search(r'expr: \|\n(.*?)\n {8}\w', block, re.S).group(1)
        for row in (row for t in run.times for row in server.at(expression, t)):
            found.add(name)
            expect(row['metric'].get('instance') == 'vm:9100', f'{name}: {row["metric"]}')
            if 'Dimm' in name and 'OfNo' not in name:
                expect(row['metric'].get('slot') == row['metric'].get('label') == 'DIMM_B1',
                       f'{name}: {row["metric"]}')
    print('alerts of the run, without their "for":', *sorted(found))
    expect(found == IN_THE_RUN, f'expected: {" ".join(sorted(IN_THE_RUN))}')


def main():
    for program in 'prometheus', 'promtool':
        if not shutil.which(program):
            print(f'skipped: no {program} here')
            return 77
    run = recording.Recording.of_file(HERE / 'vm.recording')
    with tempfile.TemporaryDirectory(prefix='softofflined-') as folder:
        server = Prometheus(folder)
        try:
            fill(server, run)
            check_labels(run)
            check_sets(run)
            check_dashboard(server, run)
            check_joins(server, run)
            check_alerts(server, run)
        finally:
            if server.process:
                server.process.kill()
                server.process.wait()
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
