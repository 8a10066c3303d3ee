#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From an error to the people, with real programs: the daemon writes its metrics,
node_exporter reads them, Prometheus evaluates the rules of monitoring/, Alertmanager calls a
webhook, and that receives which DIMM to replace. Each query of the dashboard returns data
of that Prometheus. Only the machine is made up."""

import http.server
import json
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import host
import ring
import test_modules as machine

MONITORING = host.ROOT / 'monitoring'
PROGRAMS = ['prometheus-node-exporter', 'prometheus', 'prometheus-alertmanager', 'promtool']
LABEL = 'CPU_SrcID#0_MC#0_Chan#1_DIMM#0'
LAYERS = (1, 0, -1)
CONFIG = '''[Metrics]
Interval=1s
[Budget]
PagesPerDimm=2
'''


class Webhook(threading.Thread):
    """Keeps the alerts that Alertmanager sends."""

    def __init__(self):
        super().__init__(daemon=True)
        self.alerts = alerts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                alerts.extend(json.loads(body)['alerts'])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_port
        self.start()

    def run(self):
        self.server.serve_forever()

    def firing(self, name):
        return [a for a in list(self.alerts)
                if a['labels']['alertname'] == name and a['status'] == 'firing']


class Chain:
    """node_exporter, Prometheus and Alertmanager on loopback, as their packages have them."""

    def __init__(self, folder, webhook):
        self.folder = Path(folder) / 'chain'
        self.folder.mkdir()
        self.processes = []
        with socket.socket() as a, socket.socket() as b, socket.socket() as c:
            for s in a, b, c:
                s.bind(('127.0.0.1', 0))
            self.exporter, self.prometheus, self.alertmanager = (
                f'127.0.0.1:{s.getsockname()[1]}' for s in (a, b, c))
        for rules in MONITORING.glob('*.rules.yml'):
            # The fleet's own interval is minutes.
            (self.folder / rules.name).write_text(
                re.sub(r'interval: \w+', 'interval: 1s', rules.read_text()))
        self.write('prometheus.yml', {
            'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'},
            'rule_files': [f'{self.folder}/*.rules.yml'],
            'alerting': {'alertmanagers': [
                {'static_configs': [{'targets': [self.alertmanager]}]}]},
            'scrape_configs': [{'job_name': 'node', 'static_configs': [
                {'targets': [self.exporter]}]}]})
        self.write('alertmanager.yml', {
            'route': {'receiver': 'hook', 'group_by': ['...'], 'group_wait': '0s'},
            'receivers': [{'name': 'hook', 'webhook_configs': [
                {'url': f'http://127.0.0.1:{webhook.port}/'}]}]})
        self.start('prometheus-node-exporter', '--collector.disable-defaults',
                   '--collector.textfile', f'--collector.textfile.directory={folder}',
                   f'--web.listen-address={self.exporter}')
        self.start('prometheus-alertmanager', f'--config.file={self.folder}/alertmanager.yml',
                   f'--storage.path={self.folder}/alerts', '--cluster.listen-address=',
                   f'--web.listen-address={self.alertmanager}')
        self.start('prometheus', f'--config.file={self.folder}/prometheus.yml',
                   f'--storage.tsdb.path={self.folder}/series',
                   f'--web.listen-address={self.prometheus}')

    def write(self, name, content):
        (self.folder / name).write_text(json.dumps(content))  # JSON is YAML

    def start(self, *argv):
        with open(self.folder / 'log', 'ab') as log:
            self.processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=log))

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def query(self, expression):
        """What Prometheus answers; nothing while it starts."""
        url = f'http://{self.prometheus}/api/v1/query?' + urllib.parse.urlencode(
            {'query': expression})
        try:
            with urllib.request.urlopen(url, timeout=host.HANGING) as answer:
                return json.load(answer)['data']['result']
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return []
            raise AssertionError(f'{expression}: {error.read().decode()}') from error
        except (ConnectionError, urllib.error.URLError):
            return []

    def until(self, expression):
        return host.until(lambda: self.query(expression), expression)


def errors_arrive(h, chain, webhook):
    # Each DIMM is known with 0, so the first error of all is an increase.
    zero = chain.until(f'softofflined_uncorrected_errors_total{{label="{LABEL}"}} == 0')
    assert zero[0]['metric']['location'] == '1:0', zero
    h.emit([0x7000000], label=LABEL, layers=LAYERS, error_type=ring.UNCORRECTED)
    for address in 0x12345000, 0x12346000, 0x12347000:
        h.emit([address] * 2, label=LABEL, layers=LAYERS)
    where = f'DIMM {LABEL} in slot P1-DIMMB1'
    for name, words in (('SoftofflinedUncorrectedError', f'uncorrected memory error on {where}'),
                        ('SoftofflinedReplaceDimm', f'replace {where}')):
        alert = host.until(lambda: webhook.firing(name), name)[0]
        print(f'the webhook received: {alert["annotations"]["summary"]}')
        assert alert['annotations']['summary'] == f'{chain.exporter}: {words}', alert
        assert 'PART-7' in alert['labels']['part'], alert
    others = {a['labels']['alertname'] for a in webhook.alerts}
    assert others == {'SoftofflinedUncorrectedError', 'SoftofflinedReplaceDimm'}, others


def promtool_agrees(h):
    """With the file of a daemon that has seen errors."""
    said = h.run(['sh', '-c', f'promtool check metrics <{h.metrics} 2>&1'])
    assert said.returncode == 0 and not said.stdout, said


def dashboard_has_data(chain):
    n = 0
    for path in sorted(MONITORING.glob('*.json')):
        for panel in json.loads(path.read_text())['panels']:
            for target in panel.get('targets', []):
                chain.until(target['expr'].replace('$instance', '.*'))
                n += 1
    print(f'{n} queries of the dashboard return data')
    assert n > 10


def main():
    host.isolate()
    for program in PROGRAMS:
        if not shutil.which(program):
            host.skip(f'no {program} here')
    if not machine.FIRMWARE.is_dir():
        host.skip('no /sys/firmware here to put another in the place of')
    machine.make_places()
    machine.put_modules(['7A10B301', '7A10B302', '7A10B303'])
    webhook = Webhook()
    with host.Host(CONFIG) as h:
        h.start()
        chain = Chain(h.dir, webhook)
        try:
            errors_arrive(h, chain, webhook)
            promtool_agrees(h)
            dashboard_has_data(chain)
            assert h.stop() == 0
            chain.until('softofflined_up == 0')
        except BaseException:
            print((chain.folder / 'log').read_text()[-6000:])
            raise
        finally:
            chain.stop()


if __name__ == '__main__':
    main()
