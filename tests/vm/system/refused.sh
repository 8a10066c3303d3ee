# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# A bad configuration at start: it ends with 78 and stays down.

part 'refused at start'
printf '[Budget]\nPagesPerHour=many\n' >"$drop_ins/60-bad.conf"
try systemctl restart "$unit"
check 'the start fails' [ "$status" != 0 ]
check 'with 78' same 'failed exit-code 78' \
	"$(prop ActiveState) $(prop Result) $(prop ExecMainStatus)"
check 'file, line and key are in the journal' has "$(journalctl --boot \
	--unit="$unit" --output=cat)" "60-bad.conf:2: \[Budget\] PagesPerHour: "
check 'with a message that the catalog knows' has "$(journalctl --boot --catalog \
	MESSAGE_ID=db7385431c9f4ae0ae23b62c62cd03c4)" 'Subject: The configuration was refused'
try softofflinectl policy verify
check 'policy verify shows the same' has "$status $said$err" \
	'^1 .*60-bad.conf:2: \[Budget\] PagesPerHour: '
sleep 7
check 'it is not tried again' same 'failed 0' "$(prop ActiveState) $(prop NRestarts)"
rm "$drop_ins/60-bad.conf"
check 'mended, it starts' systemctl start "$unit"
check 'and knows everything' wait_until 10 counted
check 'all is well again' check_finds "$(to_mend)"
check 'nothing was denied in the sandbox' same '' "$(journalctl --boot \
	--unit="$unit" --output=cat --quiet --grep='not permitted|Read-only')"
