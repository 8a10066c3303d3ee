# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What both boots of the storm share: the victim, the storm, and what it cost
# the process under test. Figures are printed as "figure NAME VALUE".

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

failing=200
errors_each=12
crossing=10
burst_frames=5000
burst_events=100000
spacing_usec=20000

figure()
{
	echo "figure $1 $2"
}

# cpu_msec PID: user and system time of all its threads, also those that ended.
cpu_msec()
{
	awk -v hz="$(getconf CLK_TCK 2>/dev/null || echo 100)" \
		'{ sub(/^.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$1/stat"
}

max_rss_kib()
{
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"
}

# burst_base: the first of a run of frames of RAM without a failing frame.
burst_base()
{
	awk -v n="$burst_frames" -v first="$ram_first" -v last="$ram_last" '
		{ taken[int($1)] = 1 }
		END {
			for (base = first + n; base + n < last; base += n) {
				free = 1
				for (f = base; f < base + n; f++)
					if (f in taken) { free = 0; break }
				if (free) { print base; exit }
			}
		}' /tmp/failing.decimal
}

prepare_victim()
{
	check 'victim starts' victim_start victim "$failing"
	victim_ask victim pfns | awk '$1 == "page" { print $4 }' >/tmp/failing
	while read -r frame; do echo $((frame)); done </tmp/failing >/tmp/failing.decimal
	check 'its frames are known' same "$failing" "$(grep -c . /tmp/failing)"
	base=$(burst_base)
	check 'there is room for the burst' [ -n "$base" ]
}

# run_storm PID: sets $sent, and $cpu_before.
run_storm()
{
	cpu_before=$(cpu_msec "$1")
	check 'the storm passes' storm_passes
	sent=$(awk '$1 == "sent" { print $2 }' /tmp/storm.out)
	check 'every event was emitted' same "emitted $sent" "$(cat /proc/mcgen)"
	figure sent "$sent"
	figure burst_usec "$(awk '$1 == "burst" { print $2 }' /tmp/storm.out)"
}

storm_passes()
{
	storm /tmp/failing "$base" "$burst_frames" "$burst_events" \
		"$errors_each" "$crossing" "$spacing_usec" >/tmp/storm.out
}

# cost PID
cost()
{
	figure cpu_msec $(($(cpu_msec "$1") - cpu_before))
	figure rss_kib "$(max_rss_kib "$1")"
}

retired()
{
	# shellcheck disable=SC2046  # a list of numbers
	kpage $(cat /tmp/failing) | grep -c hwpoison
}
