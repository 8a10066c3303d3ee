# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# An ordinary user sends signals to every connection that the daemon has. They are
# nothing to it: they take no memory, and root is served during and after.

# resident: of the daemon, in KiB.
resident()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$main/status"
}

grown_little()
{
	resident_now=$(resident)
	echo "      $resident_before KiB before, $resident_now KiB now"
	[ "$resident_now" -le $((resident_before + 16384)) ]
}

part 'a flood of signals by an ordinary user'
# Asked as soon as it runs, it has every connection open that it will ever need.
systemctl restart "$unit"
check 'a question of root' softofflinectl reload
main=$(prop MainPID)
resident_before=$(resident)
restarts=$(prop NRestarts)
# The question comes after the flood: what would be read on the way to its answer is read.
for size in '32 1000000' '4000 8'; do
	# shellcheck disable=SC2086  # two words
	check "so many of so many bytes: $size" nobody flood "$main" $size
	check 'root is served' softofflinectl reload
	check 'memory is as before' grown_little
done
nobody flood "$main" 4000 100 >/run/flood.out &
flood=$!
check 'and meanwhile' softofflinectl reload
check 'errors are counted' wait_until 30 counted
wait "$flood"
check 'the same process' same "$main $restarts" "$(prop MainPID) $(prop NRestarts)"
