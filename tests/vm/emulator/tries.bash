# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A suite in a virtual machine gets a second try; and what it died of is said. For those
# who set $build, the folder of its consoles.
#
# shellcheck disable=SC2034,SC2154

emulator=$(cd "${BASH_SOURCE[0]%/*}" && pwd)

# After try_twice: the status of the last try, what to say of both in a table, and yes if
# each of the two failed by QEMU's emulation and by nothing else.
tried_status=0 tried_word='' tried_emulator=''

# try_twice NAME COMMAND...: chance decides in a race and in what memory a huge page finds,
# and two emulated processors may stand still for seconds on a machine with other work: so
# what fails runs once more, and the word says that it did. What the first try said, and its
# consoles, are kept in $build/failed/NAME-1, NAME without blanks, because the second writes
# over them.
try_twice()
{
	local name=$1 first='' second='' status=0
	shift
	tried_emulator=''
	tried_word=passed
	try_keeping "$name-1" "$@" || status=$?
	if [ "$status" != 0 ]; then
		first=$try_fault
		printf '\n##### %s: failed (%d)%s, and runs once more\n' "$name" "$status" \
			"${first:+: $first}"
		tried_word="passed at the second try; the first FAILED ($status)${first:+: $first}"
		status=0
		try_keeping "$name-2" "$@" || status=$?
	fi
	tried_status=$status
	[ "$status" != 0 ] || return 0
	second=$try_fault
	tried_word="FAILED ($status)${second:+: $second}"
	[ -z "$first" ] || [ -z "$second" ] || tried_emulator=yes
}

# try_keeping NAME COMMAND...: its status. Of one that fails all is kept, and $try_fault says
# what QEMU's emulation did if that is all that went wrong.
try_fault=''
try_keeping()
{
	local kept=$build/failed/${1//[ \/]/-} begin=$build/failed/.begin console status
	shift
	rm -rf "$kept"
	mkdir -p "$kept"
	: >"$begin"
	"$@" 2>&1 | tee "$kept/said"
	status=${PIPESTATUS[0]}
	try_fault=''
	if [ "$status" = 0 ]; then
		rm -rf "$kept"
		return 0
	fi
	while IFS= read -r -d '' console; do
		# The clock of files moves in steps: a console of the same step is this one's.
		[ ! "$begin" -nt "$console" ] || continue
		cp "$console" "$kept/$(printf '%s' "${console#"$build/"}" | tr / -)"
	done < <(find "$build" \( -path "$build/failed" -o -path "$build/beside" \) -prune -o \
		-name '*.log' -type f -exec grep -qs VM-START {} \; -print0)
	try_fault=$("$emulator/verdict" "$kept"/*)
	[ -z "$try_fault" ] || try_fault="QEMU's emulation: $try_fault"
	return "$status"
}
