# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the host-side tools share: messages, the check for tools, and one
# scratch directory that goes away whatever happens. Source it first.

# Sorting and messages must not depend on whose machine this is; Debian keeps
# half of what is needed here in sbin.
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin

program=${0##*/}
scratch=
half_written=

die()
{
	printf '%s: %s\n' "$program" "$*" >&2
	exit 2
}

# need TOOL PACKAGE: end with the package's name unless the tool is there.
need()
{
	command -v "$1" >/dev/null ||
		die "no $1 here: apt-get install $2"
}

# need_value OPTION COUNT: for "--option VALUE" parsers.
need_value()
{
	[ "$2" -ge 2 ] || die "$1 wants a value"
}

remove_scratch()
{
	[ -z "$scratch" ] || rm -rf -- "$scratch"
	[ -z "$half_written" ] || rm -f -- "$half_written"
}

# make_scratch: sets $scratch; it is removed on exit, also by signals.
make_scratch()
{
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/$program.XXXXXX")
	trap remove_scratch EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# newest GLOB-RESULT...: the last of them in version order, if it exists.
newest()
{
	local last
	last=$(printf '%s\n' "$@" | sort -V | tail -n 1)
	[ ! -e "$last" ] || printf '%s\n' "$last"
}
