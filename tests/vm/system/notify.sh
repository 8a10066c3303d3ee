# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2016,SC2034,SC2154,SC2317
#
# The unit that runs programs for notices, and softofflinectl monitor. The first program hangs
# once, at the first notice; its time passes while other parts run, see test.sh.

notify=softofflined-notify.service
hooks=/etc/softofflined/notify.d

# program NAME MODE LINE...: a shell script among the programs.
program()
{
	program_file=$hooks/$1
	program_mode=$2
	shift 2
	printf '%s\n' '#!/bin/sh' "$@" >"$program_file"
	chmod "$program_mode" "$program_file"
}

# Where the unit's programs may write: their own /tmp, seen from out here.
notify_tmp()
{
	echo /tmp/systemd-private-*-"$notify"-*/tmp
}

# run N: what the Nth run had for its environment.
run()
{
	cat "$(notify_tmp)/run.$1"
}

runs()
{
	find "$(notify_tmp)" -name 'run.*' 2>/dev/null | wc -l
}

runs_are()
{
	[ "$(runs)" -ge "$1" ]
}

# said_by_notify PATTERN: in the journal.
said_by_notify()
{
	journalctl --boot --unit="$notify" --output=cat --quiet | grep -Eq "$1"
}

notify_prop()
{
	systemctl show --value --property="$1" "$notify"
}

# environment_of: the line of monitor --json on standard input as a program gets it, but for
# the time, which is a number there.
environment_of()
{
	jq -r 'del(.time) | to_entries[] | "SOFTOFFLINE_\(.key | ascii_upcase)=\(.value |
		if . == true then 1 else . // "" end)"'
	printf '%s\n' HOME=/ LC_ALL=C.UTF-8 SOFTOFFLINE_DROPPED=0 SOFTOFFLINE_TIMES=1 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# noticed: how many notices there were of each kind and DIMM, by monitor.
noticed()
{
	jq -r '"\(.kind) \(.dimm // "-")"' /run/monitor.json | sort | uniq -c |
		awk '{ print $2, $3, $1 }'
}

# dealt_with: the same by the programs, each run with its count.
dealt_with()
{
	awk -F= '
		function add() {
			if (kind)
				sum[kind " " (dimm ? dimm : "-")] += times
			kind = ""
		}
		FNR == 1 { add() }
		$1 == "SOFTOFFLINE_KIND" { kind = $2 }
		$1 == "SOFTOFFLINE_DIMM" { dimm = $2 }
		$1 == "SOFTOFFLINE_TIMES" { times = $2 }
		END {
			add()
			for (what in sum)
				print what, sum[what]
		}' "$(notify_tmp)"/run.* | sort
}

all_dealt_with()
{
	[ "$(noticed)" = "$(dealt_with)" ]
}

# What the unit's programs may write, and on which mounts they may be executed, as the sandbox
# part has it for the daemon; without sockets and devices, which are those of every user.
notify_intent='
own /proc/PID				its own process
dir /tmp				its own, of PrivateTmp=
dir /var/tmp				its own, of PrivateTmp=
dir /dev/shm				of PrivateDevices=; shared
? dir /dev/mqueue			its own, of PrivateIPC=
? file /sys/fs/cgroup/system.slice/softofflined-notify.service/memory.pressure	a trigger for itself
exec /					programs are wherever an administrator has them
? file /sys/kernel/security/apparmor/.access	open to all: the kernel asks who it is
? file /sys/kernel/security/apparmor/.load	.
? file /sys/kernel/security/apparmor/.remove	.
? file /sys/kernel/security/apparmor/.replace	.
? file /sys/kernel/security/tomoyo/self_domain	its own
? exec /dev/hugepages			which it cannot write
exec /run/systemd/incoming		read-only and empty: for systemctl bind
'

part 'programs for notices'
check 'the unit is not enabled' same disabled "$(systemctl is-enabled "$notify")"
check 'without a program it is not started' systemctl start "$notify"
check 'nor has it failed' same 'inactive no' \
	"$(notify_prop ActiveState) $(notify_prop ConditionResult)"
mkdir -m 755 "$hooks"
program 10-hang 755 'mkdir /tmp/hung 2>/dev/null || exit 0' 'sleep 1000'
# A shell adds to its environment; what it was given is this.
program 20-tell 755 'n=$(find /tmp -name "run.*" | wc -l)' \
	'tr "\0" "\n" </proc/$$/environ >/tmp/.run' \
	'{ id -un; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; } >/tmp/rights' \
	'cp /var/lib/softofflined/softofflined.db /tmp/stolen' \
	'mv /tmp/.run "/tmp/run.$((n + 1))"'
program 30-open 777 'touch /tmp/open'
program 40.old 755 'touch /tmp/old'
# Debian 13's bus serves it; then monitor listens until it is ended.
try timeout 10 setpriv --reuid=55555 --clear-groups softofflinectl monitor
check 'a user that the bus does not know hears why it hears nothing' has "$status $err" \
	'^(124|1 .*cannot listen on the system bus: .*; it serves users of /etc/passwd only)'
check 'enabled, it starts' systemctl --quiet enable --now "$notify"
check 'and listens' same 'active running' \
	"$(notify_prop ActiveState) $(notify_prop SubState)"
# It says that it is ready when it listens.
check 'softofflinectl monitor, by an ordinary user' systemd-run --quiet \
	--unit=test-monitor --uid=65534 --service-type=notify \
	--property=StandardOutput=file:/run/monitor.json softofflinectl --json monitor
pfn20=$(victim_pfn v 20)
ce "$pfn20" 1
check 'a notice runs a program' wait_until 20 [ -d "$(notify_tmp)/hung" ]
for i in 21 22 23; do
	ce "$(victim_pfn v "$i")" 1
done
check 'monitor says four' wait_until 20 sh -c '[ "$(wc -l </run/monitor.json)" -ge 4 ]'
check 'of what, and where' same 'first-ce info DIMM_A0 DIMM_A0 page' "$(head -n 1 \
	/run/monitor.json | jq -r '"\(.kind) \(.priority) \(.dimm) \(.slot) \(.address_class)"')"
check 'and not which page' sh -c "! grep -Eiq '0x|$pfn20|serial' /run/monitor.json"
check 'no program of the daemon' not_executed "$hooks/20-tell"
check 'exposure of at most 1.1' exposed 11 "$notify"
intent=$notify_intent
reach "$(notify_prop MainPID)" | grep -Ev '^(socket|device) ' | LC_ALL=C sort -u \
	>"$out/reach-notify.txt"
check 'as much as its unit means can be written or executed, and no more' \
	intended "$out/reach-notify.txt"

# notices_dealt_with: later, after the first program's time.
notices_dealt_with()
{
	part 'programs for notices, later'
	check 'a program that hangs is killed' wait_until 40 said_by_notify \
		'10-hang was killed: it took more than 30 s'
	check 'and the next one has its turn' wait_until 20 runs_are 2
	check 'its environment is the notice, and nothing else' same \
		"$(head -n 1 /run/monitor.json | environment_of | LC_ALL=C sort)" \
		"$(run 1 | grep -v '^SOFTOFFLINE_TIME=' | LC_ALL=C sort)"
	check 'and its time' has "$(run 1)" '^SOFTOFFLINE_TIME=[0-9]{16}$'
	check 'three that waited were one' has "$(run 2 | paste -sd' ')" \
		'^(.* )?SOFTOFFLINE_TIMES=([3-9]|[1-9][0-9])( |$)'
	check 'none was lost' wait_until 40 all_dealt_with
	check 'of no kind and DIMM' same "$(noticed)" "$(dealt_with)"
	check 'runs were fewer than notices' [ "$(runs)" -lt "$(wc -l </run/monitor.json)" ]
	check 'a user without rights' has "$(paste -sd' ' "$(notify_tmp)/rights")" \
		'^softofflined-notify CapEff:.0{16} CapBnd:.0{16} NoNewPrivs:.1 Seccomp:.2$'
	check 'who does not read what the daemon stored' [ -s "$database" -a ! -s \
		"$(notify_tmp)/stolen" ]
	check 'what it says is in the journal' said_by_notify 'softofflined.db.*Permission denied'
	check 'others may not change a program' said_by_notify \
		'30-open is not run: others than root may change '
	check 'which was not run, nor what is none' [ ! -e "$(notify_tmp)/open" -a ! -e \
		"$(notify_tmp)/old" ]
	rm "$hooks/10-hang"
	check 'monitor ends when asked' systemctl stop test-monitor
	check 'without a failure' same '' "$(systemctl --failed --no-legend --plain)"
}

# notices_after WHAT PAGE: the unit listens again, after what ended its connection.
notices_after()
{
	part "programs for notices, after $1"
	check 'it listens' wait_until 30 systemctl --quiet is-active "$notify"
	before=$(runs)
	ce "$(victim_pfn v "$2")" 1
	check 'and runs programs' wait_until 20 runs_are $((before + 1))
}
