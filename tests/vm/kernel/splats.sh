# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# How a kernel complains about itself, and whether it did. For the host and for
# the inside of the VM; matrix gets the expression through the environment.

# Of warnings, lists, locks and counters, of sleeping where it must not, of pages
# that are not as they should be; of lockdep giving up. No letter stands before
# "BUG: ", as one does in "EDAC DEBUG: ".
SPLATS='WARNING: |(^|[^A-Za-z])BUG: |kernel BUG at|Oops|Call Trace:'
SPLATS="$SPLATS|general protection|unable to handle|page dumped because"
SPLATS="$SPLATS|INFO: (task|rcu|trying to register)|self-detected stall|blocked for more"
SPLATS="$SPLATS|[Pp]ossible .*(lock|deadlock)|inconsistent lock|suspicious RCU"
SPLATS="$SPLATS|Invalid wait context|bad unlock balance|turning off the locking"
SPLATS="$SPLATS|sleeping function|scheduling while atomic|Bad page|refcount_t"
SPLATS="$SPLATS|list_(add|del) corruption|KASAN|UBSAN|Out of memory: "
export SPLATS

# splats_in LOG: what it holds of that, with what follows; true if there is any.
splats_in()
{
	grep -E -m 20 -A 30 -e "$SPLATS" "$1"
}

# log_complete LOG: its first lines are still there.
log_complete()
{
	grep -q 'Linux version' "$1" || { echo 'the kernel log lost its beginning'; return 1; }
}

# checks_itself: a kernel that is built to look for its own mistakes still does.
# Lockdep stops at the first that it finds, whatever that was.
checks_itself()
{
	case $(uname -r) in
	*-debug) ;;
	*) return 0 ;;
	esac
	grep -q 'debug_locks: *1$' /proc/lockdep_stats ||
		{ echo 'lockdep does not look at locks any more'; return 1; }
}

# untainted: no bad page, no death, no warning, no soft lockup.
untainted()
{
	[ $(($(cat /proc/sys/kernel/tainted) & 0x42a0)) = 0 ] ||
		{ echo "the kernel is tainted: $(cat /proc/sys/kernel/tainted)"; return 1; }
}

# kernel_quiet: inside the VM, the kernel has nothing to complain of. What it prints
# on the console does not tell: most of this is below the console's level.
kernel_quiet()
{
	dmesg >/tmp/kernel-log
	! splats_in /tmp/kernel-log && log_complete /tmp/kernel-log && untainted &&
		checks_itself
}
