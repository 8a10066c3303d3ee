# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How a Debian is made in a folder: from which mirror, by which settings of apt, and what
# is installed. Source it after tests/vm/lib/common.bash, which sets $program, and set
# $debian_log to the file that is to hold the output.
# shellcheck disable=SC2154

debian_log=/dev/null

# debian_sources: what this host's apt installs from, a line each: URI SUITE.
debian_sources()
{
	local file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
		[ ! -r "$file" ] || { cat "$file" && echo; }
	done | awk '
		$1 == "deb" {
			sub(/\[[^]]*\]/, "")
			print $2, $3
		}
		$1 == "URIs:" { uris = split($0, uri) }
		$1 == "Suites:" { suites = split($0, suite) }
		NF == 0 {
			for (u = 2; u <= uris; u++)
				for (s = 2; s <= suites; s++)
					print uri[u], suite[s]
			uris = suites = 0
		}'
}

# debian_mirror SUITE: the mirror that this host's apt has for SUITE, else the one that it
# has for a Debian of its own, else Debian's. SUITE may end in -security, -updates ...
debian_mirror()
{
	local kind='' own=''
	[[ $1 != *-security ]] || kind=-security
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || own=$(. /etc/os-release &&
		[ "$ID" = debian ] && echo "${VERSION_CODENAME-}$kind")
	debian_sources | awk -v suite="$1" -v own="$own" \
		-v mirror="http://deb.debian.org/debian$kind" '
		$2 == own && !near { near = mirror = $1 }
		$2 == suite { mirror = $1; exit }
		END { print mirror }'
}

# debian_settings: how this host's apt reaches a mirror, and how old an index may be, as
# the text of a file for apt.conf.d.
debian_settings()
{
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::((https?|ftp)::|Retries|Check-(Valid-Until|Date) )' || true
}

# debian_proxy: for debootstrap, which does not read apt's settings.
debian_proxy()
{
	apt-config dump --format '%v%n' Acquire::http::Proxy 2>/dev/null || true
}

# debian_isolated COMMAND...: its mounts and processes end with it.
debian_isolated()
{
	unshare --mount --pid --fork --kill-child "$@" >>"$debian_log" 2>&1
}

# debian_in TREE COMMAND...
debian_in()
{
	local tree=$1
	shift
	debian_isolated --root="$tree" --mount-proc env -i HOME=/root LC_ALL=C \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
}

# debian_reachable URI SUITE: the mirror has the suite.
debian_reachable()
{
	local index
	index=$(mktemp) || return
	/usr/lib/apt/apt-helper download-file "$1/dists/$2/InRelease" "$index" \
		>>"$debian_log" 2>&1
	local r=$?
	rm -f "$index"
	return "$r"
}

# debian_bootstrap TREE ARCHITECTURE SUITE [SUITE-KIND...]: the smallest Debian that apt
# works in. It installs from all the suites that the mirror has; the first must be there.
# debootstrap makes the base only: it cannot resolve virtual packages.
debian_bootstrap()
{
	local tree=$1 arch=$2 suite=$3 mirror proxy name
	shift 3
	mirror=$(debian_mirror "$suite")
	proxy=$(debian_proxy)
	debian_isolated env ${proxy:+"http_proxy=$proxy"} debootstrap --variant=minbase \
		--arch="$arch" "$suite" "$tree" "$mirror" || return
	echo "deb $mirror $suite main" >"$tree/etc/apt/sources.list"
	for name; do
		mirror=$(debian_mirror "$name")
		if debian_reachable "$mirror" "$name"; then
			echo "deb $mirror $name main" >>"$tree/etc/apt/sources.list"
		else
			echo "$program: the mirror $mirror has no $name: made without" >&2
		fi
	done
	debian_settings >"$tree/etc/apt/apt.conf.d/90host"
	# What is half made is thrown away: it need not be on the disk at once.
	echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/90unsafe-io"
	# Nothing is to be started in there.
	printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
	chmod 755 "$tree/usr/sbin/policy-rc.d"
}

# debian_install TREE PACKAGE...: NAME:ARCH is a package of another architecture, NAME/SUITE
# one from that suite, both as apt has it.
debian_install()
{
	local tree=$1 package
	shift
	for package; do
		case $package in
		*:native | *:any) ;;
		*:*) debian_in "$tree" dpkg --add-architecture "${package##*:}" || return ;;
		esac
	done
	debian_in "$tree" apt-get -qq update || return
	debian_in "$tree" apt-get -qq -y --no-install-recommends upgrade || return
	[ $# -eq 0 ] || debian_in "$tree" apt-get -qq -y --no-install-recommends install "$@"
}

# debian_tidy TREE: what apt can get again.
debian_tidy()
{
	rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin \
		"$1"/var/cache/apt/archives/*.deb
	rm -f "$1/usr/sbin/policy-rc.d" "$1/etc/dpkg/dpkg.cfg.d/90unsafe-io" \
		"$1/etc/resolv.conf"
}

# debian_architectures TREE: its own, then those that it has packages of.
debian_architectures()
{
	awk '$1 == "Package:" { dpkg = $2 == "dpkg" }
		$1 == "Architecture:" && dpkg { print $2; exit }' "$1/var/lib/dpkg/status"
	cat "$1/var/lib/dpkg/arch" 2>/dev/null || true
}

# debian_emulate ARCH: programs of ARCH run here, if need be by qemu-user. To be called in a
# mount namespace of one's own: the kernel's rule for them ends with it, unless this machine
# has such a rule itself.
debian_emulate()
{
	local cpu ident machine type mask qemu rules=/proc/sys/fs/binfmt_misc
	case $(dpkg --print-architecture):$1 in
	"$1:$1" | amd64:i386) return ;;
	*:arm64) cpu=aarch64 ident='\x02\x01' type='\x02\x00' machine='\xb7\x00' ;;
	*:armhf) cpu=arm ident='\x01\x01' type='\x02\x00' machine='\x28\x00' ;;
	*:ppc64el) cpu=ppc64le ident='\x02\x01' type='\x02\x00' machine='\x15\x00' ;;
	*:riscv64) cpu=riscv64 ident='\x02\x01' type='\x02\x00' machine='\xf3\x00' ;;
	*:s390x) cpu=s390x ident='\x02\x02' type='\x00\x02' machine='\x00\x16' ;;
	*) die "programs for $1 cannot run here, and qemu-user is not set up for them" ;;
	esac
	qemu=$(command -v "qemu-$cpu-static" || command -v "qemu-$cpu") ||
		die "no qemu-$cpu-static here: apt-get install qemu-user-static"
	[ -e $rules/register ] || mount -t binfmt_misc binfmt_misc $rules ||
		die "this kernel has no binfmt_misc: it cannot run programs for $1"
	# F: the kernel opens qemu now, so that a root need not have it.
	! grep -qs '^flags:.*F' "$rules/qemu-$cpu" || return 0
	[ ! -e "$rules/qemu-$cpu" ] || echo -1 >"$rules/qemu-$cpu"
	# An executable, or a shared object.
	mask=${type/00/ff} mask=${mask/02/fe}
	printf '%s' ":qemu-$cpu:M::\x7fELF$ident\x01\x00$(printf '\\x00%.0s' {1..8})" \
		"$type$machine:\xff\xff\xff\xff\xff\xff\xff\x00$(printf '\\xff%.0s' {1..8})" \
		"$mask\xff\xff:$qemu:OCF" |
		cat >"$rules/register" || [ -e "$rules/qemu-$cpu" ] ||
		die "the kernel does not take $qemu as an interpreter"
}
