#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel is made to complain, once in each way that it is built for, and what
# the suites look with must see it, and name it. First of all it must be quiet.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../../lib/guest.sh
. /vm/guest.sh
# shellcheck source=SCRIPTDIR/../splats.sh
. /vm/splats.sh
# Says PATCHED=--patched, or nothing.
# shellcheck disable=SC1091  # only there inside the VM
. /vm/control.conf

fails()
{
	! "$@" >/dev/null
}

# seen WORD PATTERN: asked for WORD, the log has a complaint of just this kind.
seen()
{
	dmesg -c >/dev/null
	echo "$1" >/proc/complain || return
	dmesg >/tmp/log
	has "$(splats_in /tmp/log)" "$2"
}

# matrix_quiet: what it thinks of the log so far. Some row has to be run with it.
matrix_quiet()
{
	matrix ${PATCHED:+"$PATCHED"} --only number-empty >/tmp/matrix
}

matrix_not_quiet()
{
	fails matrix_quiet && grep -q 'not ok no-splat-at-boot' /tmp/matrix
}

check 'a kernel without a complaint is quiet' kernel_quiet
check 'for the matrix as well' matrix_quiet
check 'a warning is seen' seen warn 'WARNING: .*complain'
check 'by the matrix' matrix_not_quiet
check 'and leaves a mark' fails untainted
case $(uname -r) in
*-debug)
	check 'a false assumption about memory is seen' seen vm 'WARNING: .*complain_vm'
	check 'sleeping with a spinlock held is seen' seen atomic 'BUG: sleeping function'
	check 'lockdep still looks' checks_itself
	check 'a lock inversion is seen' seen locks 'possible circular locking'
	check 'lockdep has stopped, and that is seen' fails checks_itself
	;;
esac
check 'a bad page is seen' seen page 'BUG: Bad page state'
check 'a log without its beginning is not taken for whole' fails log_complete /tmp/log
check 'all in all it is not quiet' fails kernel_quiet
vm_done
