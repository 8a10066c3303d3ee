# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the platforms share that are a Debian in a folder: make the folder, build in it, run
# suites, and say what came out. Source it with `set -eu -o pipefail`.
# shellcheck disable=SC2034 # those who source it read some of it

platform=${0##*/}
source_root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
cache=${SOFTOFFLINED_CACHE:-$HOME/.cache/softofflined}
folder=$source_root/build/platforms/$platform
suite=trixie
root='' # platform_root sets it

# By Debian 13's names; Debian 12 has no systemd-dev.
platform_tools=(
	meson ninja-build pkg-config gcc libc6-dev systemd systemd-dev python3 sqlite3 dbus jq
	binutils file
)
platform_libraries=(
	libc6-dev libsystemd-dev libtraceevent-dev libtracefs-dev libsqlite3-dev libpci-dev
	libinih-dev libkmod-dev libsmartcols-dev libjansson-dev libcmocka-dev
)
platform_checkers=(
	clang clang-format clang-tidy libclang-rt-dev prometheus prometheus-node-exporter
	universal-ctags shellcheck mandoc devscripts
)

# platform_root ARGUMENT...: of tests/root/make.
platform_root()
{
	mkdir -p "$cache" "$folder"
	root=$("$source_root/tests/root/make" --suite "$suite" --cache "$cache" "$@")
}

# platform_in NAME=VALUE... -- COMMAND...: in the folder, with the source to be read in
# /src and what is built in /build.
platform_in()
{
	local sample=$source_root/../shared/data kernel=/usr/src/linux-source-6.1.tar.xz
	local bound=() environment=()
	# Real errors, which are not part of the project, lie beside it if they are there. The
	# kernel's source is Debian 12's, for lint.
	[ ! -d "$sample" ] || bound+=(--bind-ro "$sample:/shared/data")
	[ ! -e "$kernel" ] || bound+=(--bind-ro "$kernel:$kernel")
	while [ "$1" != -- ]; do
		environment+=(--env "$1")
		shift
	done
	"$source_root/tests/root/run" "$root" --bind-ro "$source_root:/src" \
		--bind "$folder:/build" ${bound[@]+"${bound[@]}"} --chdir /src \
		${environment[@]+"${environment[@]}"} "$@"
}

# platform_configure CC [OPTION...]: warnings are errors. The build is kept for the next time
# as long as its options and the folder are the same.
platform_configure()
{
	local cc=$1 key
	shift
	key="$root $cc $* $(cksum <"$source_root/meson_options.txt")"
	if [ "$(cat "$folder/key" 2>/dev/null)" != "$key" ]; then
		rm -rf "$folder/build"
		platform_in "CC=$cc" -- meson setup /build/build \
			--prefix=/usr --sysconfdir=/etc --localstatedir=/var \
			-Dwerror=true -Dbuildtype=debugoptimized -Dtests=true "$@"
		printf '%s\n' "$key" >"$folder/key"
	fi
}

# platform_compile all|SUITE...: all, or only the programs that these suites run.
platform_compile()
{
	local programs=(all)
	[ "$1" = all ] || mapfile -t programs < <(
		jq -r '.[] | select(any(.suite[]; sub(".*:"; "") | IN($ARGS.positional[]))) |
			.cmd[0] | select(startswith("/build/build/")) | ltrimstr("/build/build/")' \
			"$folder/build/meson-info/intro-tests.json" --args "$@" | sort -u)
	platform_in -- ninja -C /build/build -k0 "${programs[@]}"
}

# platform_cross TRIPLET CPU-FAMILY CPU ENDIAN: writes the cross file, /build/cross. The
# programs run as they are: tests/root/run has the kernel start qemu-user for them.
platform_cross()
{
	cat >"$folder/cross" <<-END
		[binaries]
		c = '$1-gcc'
		ar = '$1-gcc-ar'
		strip = '$1-strip'
		readelf = '$1-readelf'
		pkgconfig = 'pkg-config'

		[properties]
		needs_exe_wrapper = false
		pkg_config_libdir = ['/usr/lib/$1/pkgconfig', '/usr/share/pkgconfig']

		[host_machine]
		system = 'linux'
		cpu_family = '$2'
		cpu = '$3'
		endian = '$4'
	END
}

# platform_suites NAME=VALUE... -- [ARGUMENT...]: meson test with these arguments. The last
# line says what came out. Returns 1 if something failed.
platform_suites()
{
	local environment=() result=0 log=$folder/build/meson-logs/testlog.json
	while [ "$1" != -- ]; do
		environment+=("$1")
		shift
	done
	shift
	rm -f "$log"
	# Limits of time are against hanging; a machine with other work is no failure.
	platform_in ${environment[@]+"${environment[@]}"} -- meson test -C /build/build \
		--no-rebuild --print-errorlogs --timeout-multiplier=20 "$@" || result=1
	jq -rs --arg platform "$platform" '
		def named(kind): map(select(kind) | .name | sub(".* / "; "")) |
			if . == [] then "" else " (" + join(", ") + ")" end;
		def causes: map(select(.result == "SKIP") | (.name | sub(".* / "; "")) as $name |
			((.stdout // "") | split("\n") | map(select(test("skipped|not there"))) |
			first // "no cause") as $why | "skipped: \($name): \($why)") | .[];
		def shortened: map((.name | sub(".* / "; "")) as $name | (.stdout // "") | split("\n")[] |
			select(startswith("shortened")) | "\($name): \(.)") | unique | .[];
		def failed: .result != "OK" and .result != "SKIP";
		causes, shortened,
		"\($platform): \(map(select(.result == "OK")) | length) passed, " +
		"\(map(select(failed)) | length) failed\(named(failed)), " +
		"\(map(select(.result == "SKIP")) | length) skipped\(named(.result == "SKIP"))"' "$log"
	return "$result"
}
