# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The .deb under dpkg: what it does and does not do when it is installed, an upgrade to the
# next build of it while the daemon runs and has counted, and that a purge leaves nothing.

debs=/vm/package

# dpkg_does ARGUMENT...: as nobody is there to answer; what it says is shown if it fails.
dpkg_does()
{
	try env DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io "$@"
	[ "$status" = 0 ] && return
	printf '%s\n%s\n' "$said" "$err"
	return 1
}

version()
{
	# shellcheck disable=SC2016 # of dpkg
	dpkg-query --show --showformat='${Version}' softofflined
}

# operators: what an operator wrote, and what the policy makes of it.
operators()
{
	find /etc/softofflined -type f -exec sha256sum {} +
	softofflinectl policy show
}

# all_counts: what must be the same under the next daemon, as one line.
all_counts()
{
	{
		json pages '.[] | "\(.pfn) \(.state) \(.reason) \(.corrected_errors)"' | sort
		json history length
		json dimms '.[] | "\(.label) \(.corrected_errors) \(.pages) \(.offlined)"' | sort
	} | paste -sd' '
}

# ours: all that has our name, but this test itself, the logs and what systemd remembers of
# units that ran.
ours()
{
	find / -xdev \( -path /vm -o -path /proc -o -path /var/log \) -prune -o \
		-name '*softoff*' -print
	find /run /sys/kernel/tracing/instances \( -path /run/systemd -o -path /run/log \) \
		-prune -o -name '*softoff*' -print
}

part 'the package: as dpkg installed it'
check 'no unit was enabled' same 'disabled disabled static' "$(paste -sd' ' $debs/enabled)"
check 'nothing of it in /etc' same '' "$(cat $debs/in-etc)"
check 'but a user, for programs' getent passwd softofflined-notify
check 'no conffile' same '' "$(dpkg-query --show --showformat='${Conffiles}' softofflined)"
check 'every file is as it was packed' dpkg_does --verify softofflined
check 'which says nothing' same '' "$said"

part 'the package: an upgrade'
printf '[Policy]\nPageThreshold=3 / 24h\n' >"$drop_ins/package.conf"
printf '# mine\n' >"$drop_ins/../softofflined.conf"
check 'a configuration' softofflinectl reload
pfn12=$(victim_pfn v 12)
ce "$pfn12" 2
check 'counts' wait_until 10 counted
mkdir -p "$hooks"
program mine 755 'exit 0'
check 'a program for notices' systemctl restart "$notify"
notify_main=$(notify_prop MainPID)
was=$(version)
main=$(prop MainPID)
before=$(all_counts)
configured=$(operators)
check 'the later one is installed' dpkg_does --install $debs/later.deb
check 'and is another version' [ "$(version)" != "$was" ]
check 'it runs' running
check 'as another process' [ "$(prop MainPID)" != "$main" ]
check 'and is enabled as it was' same enabled "$(systemctl is-enabled "$unit")"
check 'so does what runs programs' same 'active enabled' \
	"$(notify_prop ActiveState) $(systemctl is-enabled "$notify")"
check 'as another process, too' [ "$(notify_prop MainPID)" != "$notify_main" ]
check 'all counts are kept' same "$before" "$(all_counts)"
check 'the configuration, too, and is in force' same "$configured" "$(operators)"
check 'the count of a page goes on where it was' page_is "$pfn12" watched
ce "$pfn12" 1
check 'and crosses the threshold' wait_until 10 page_is "$pfn12" offlined
before=$(all_counts)

part 'the package: removed'
check 'dpkg removes it' dpkg_does --remove softofflined
check 'the daemon was stopped' same inactive "$(prop ActiveState)"
check 'and what runs programs' same inactive "$(notify_prop ActiveState)"
check 'no unit has failed' same '' "$(systemctl --failed --no-legend --plain)"
check 'the programs are gone' [ ! -e /usr/sbin/softofflined -a ! -e /usr/bin/softofflinectl ]
check 'the metrics are gone' [ ! -e "$prom" ]
check 'the kernel records nothing for us' [ ! -e "$instance" ]
check 'what an operator wrote is there' [ -s "$drop_ins/package.conf" ]
check 'and what was counted' [ -s "$database" ]
check 'installed again' dpkg_does --install $debs/first.deb
check 'an older one reads it' systemctl start "$unit"
check 'with all counts' same "$before" "$(all_counts)"

part 'the package: purged'
check 'dpkg purges it' dpkg_does --purge softofflined
check 'nothing is left' same '' "$(ours)"
check 'nor a user' same '' "$(grep softofflined /etc/passwd /etc/group /etc/shadow)"
check 'no unit has failed' same '' "$(systemctl --failed --no-legend --plain)"
check 'installed on a machine without it' dpkg_does --install $debs/later.deb
check 'no unit is enabled' same 'disabled disabled static' "$(systemctl is-enabled "$unit" \
	"$notify" softofflined-cec.service | paste -sd' ')"
check 'none runs' same 'inactive inactive inactive' "$(systemctl is-active "$unit" \
	"$notify" softofflined-cec.service | paste -sd' ')"
check 'no configuration was written' [ ! -e /etc/softofflined ]
check 'the catalog knows it' has "$(journalctl --list-catalog)" \
	'd86c984534e449189baab0e4f924178b'
