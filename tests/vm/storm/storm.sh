# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the boots of a storm share: the storms by name, the victim, and what a storm cost
# the process under test. Figures are printed as "figure PROGRAM STORM NAME VALUE".
#
# shellcheck disable=SC2034  # for those who source this

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

failing=200
burst_frames=5000
errors_each=12
spacing_usec=20000

# The text of skx_edac before the row, which mcgen adds with its column.
skx=' err_code:0x0101:0x0091 socket:0 imc:0 rank:1 bg:2 ba:1'

# use_storm NAME: what storm/terms says, as numbers.
#   $burst         the burst's events, as words for mcgen
#   $burst_events  how many they are
#   $crossing      the errors in 24 hours that a page may have, and one more
#   $failing_n     failing pages that err beside the burst
#   $goes          pages of the burst that the policy names, at most
#   $burst_dimm    the burst's DIMM
use_storm()
{
	storm=$1
	burst_events=100000
	burst_dimm=DIMM_B0
	crossing=10
	failing_n=$failing
	goes=0
	case $1 in
	a | d-a) burst='step=0' ;;
	b | d-b) burst="step=64 row=0x1000 msg=\"memory read error\" detail=\"$skx\""
		crossing=2
		goes=16 ;;
	c) burst='step=64'
		burst_dimm=DIMM_A0
		goes=$burst_frames ;;
	*) echo "no such storm: $1" >&2 && exit 1 ;;
	esac
	case $1 in
	d-*) burst_events=1000000
		failing_n=0 ;;
	esac
	burst="frames=$failing wrap=$burst_frames repeat=$burst_events $burst"
	burst="$burst label=$burst_dimm mid=1"
	sent=$((failing_n * errors_each + burst_events))
}

# figure NAME VALUE: of the program $who, which those who source this set.
figure()
{
	# shellcheck disable=SC2154
	echo "figure $who $storm $1 $2"
}

# ticks PID FIELD...: the sum of these fields of its stat, in milliseconds. 12 is user and
# 13 is system time, of all its threads, also of those that ended.
ticks()
{
	ticks_of=$1
	shift
	awk -v hz="$(getconf CLK_TCK 2>/dev/null || echo 100)" -v fields="$*" '
		{ sub(/^.*\) /, ""); n = split(fields, f, " ")
		for (i = 1; i <= n; i++) sum += $f[i]
		print int(sum * 1000 / hz) }' "/proc/$ticks_of/stat"
}

max_rss_kib()
{
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"
}

# prepare_victim: of pages that all can go; mcgen knows their frames.
prepare_victim()
{
	check 'victim starts' victim_start victim $((failing + burst_frames))
	victim_ask victim pfns | awk '$1 == "page" { print $4 }' >/tmp/frames
	while read -r frame; do echo $((frame)); done </tmp/frames >/tmp/frames.decimal
	check 'its frames are known' same $((failing + burst_frames)) \
		"$(sort -u /tmp/frames.decimal | grep -c .)"
	# In one write: it replaces what the last one said.
	check 'mcgen knows them' dd if=/tmp/frames of=/proc/mcgen_frames bs=64k 2>/dev/null
	head -n "$failing_n" /tmp/frames >/tmp/failing
}

emitted()
{
	awk '{ print $2 }' /proc/mcgen
}

# run_storm PID
run_storm()
{
	user_before=$(ticks "$1" 12)
	system_before=$(ticks "$1" 13)
	emitted_before=$(emitted)
	check 'the storm passes' storm_passes
	check 'every event was emitted' same "$sent" $(($(emitted) - emitted_before))
	burst_began=$(awk '$1 == "burst" { print $2 }' /tmp/storm.out)
	figure sent "$sent"
	figure burst_usec "$(awk '$1 == "burst" { print $3 }' /tmp/storm.out)"
}

storm_passes()
{
	storm /tmp/failing "$errors_each" "$crossing" "$spacing_usec" "$burst" >/tmp/storm.out
}

# cost PID
cost()
{
	figure user_msec $(($(ticks "$1" 12) - user_before))
	figure system_msec $(($(ticks "$1" 13) - system_before))
	figure rss_kib "$(max_rss_kib "$1")"
}

# poisoned_in FIRST LAST: how many of these frames of the list are out of use.
poisoned_in()
{
	# shellcheck disable=SC2046  # a list of numbers
	kpage $(sed -n "$1,$2p" /tmp/frames) | grep -c hwpoison
}

retired()
{
	figure retired "$(poisoned_in 1 "$failing")"
	figure retired_of_burst "$(poisoned_in $((failing + 1)) $((failing + burst_frames)))"
}
