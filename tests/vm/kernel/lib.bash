# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the suites for the kernel share on the host. Source common.bash first.

# shellcheck source=SCRIPTDIR/splats.sh
. "${BASH_SOURCE[0]%/*}/splats.sh"

# no_splat LOG: nothing of that on the console, whose level lets pass only the worst.
# The rest is for kernel_quiet, inside.
no_splat()
{
	local lines
	lines=$(grep -aE -e "$SPLATS" "$1") || return 0
	printf 'FAIL  the kernel complained, see %s:\n%s\n' "$1" "$lines"
	return 1
}
