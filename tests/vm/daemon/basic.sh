#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: what is offlined, what is not, and what is written down of it.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

test_threshold()
{
	fresh threshold </dev/null
	check 'victim starts' victim_start victim 16
	pfns_of victim 6 >/tmp/failing
	below=$(victim_pfn victim 9)
	poison_before=$(poisoned_kib)
	check 'daemon starts' daemon_start --metrics /tmp/x.prom --record /tmp/record

	ce_all 1 label=DIMM_A0 </tmp/failing
	ce "$below" label=DIMM_A0
	check 'one error each: counted' stored_all
	check 'nothing is offlined' grew 0
	check 'seven pages are watched' comes 7 "$(pages watched)"
	ce_all 1 label=DIMM_A0 </tmp/failing
	check 'two errors: six pages offlined' comes 6 "$(pages offlined offlined)"
	check 'HardwareCorrupted rose by each page' grew 6
	check 'each frame is poisoned' each_poisoned /tmp/failing
	check 'one attempt each' offlined_once /tmp/failing
	check 'each attempt moved the counter by one page' comes 6 "SELECT count(*) FROM action
		WHERE poisoned_after_kib - poisoned_before_kib = $page_kib AND error = 0
		AND page_type = 'anonymous' AND reason = 'page-threshold'"
	check 'and is in the poison history' comes "6|$((6 * page_kib))" \
		"SELECT count(*), sum(delta_kib) FROM poison WHERE cause = 'offlined'"
	check 'the page below is not poisoned' not_poisoned "$below"
	check 'it stayed where it was' same "$below" "$(victim_pfn victim 9)"
	check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
	check 'all stored' stored_all
	# shellcheck disable=SC2046  # a list of numbers
	check 'never handed out again' memhog $(cat /tmp/failing)
	check 'further errors of an offlined page change nothing' ce_all 3 </tmp/failing
	check 'they are counted' stored_all
	check 'one attempt each, still' offlined_once /tmp/failing
	test_outputs
	victim_stop victim
}

metric()
{
	grep -Fqx "softofflined_$1" /tmp/x.prom
}

metric_comes()
{
	wait_until 20 metric "$1" || { grep "^softofflined_${1%%[ \{]*}" /tmp/x.prom; false; }
}

test_outputs()
{
	printf '[Metrics]\nInterval=1s\n' >"$conf.d/interval.conf"
	kill -HUP "$daemon"
	a0='mc="0",location="0:0",label="DIMM_A0",controller="0",dimm_label="DIMM_A0"'
	for line in "events_total $sent" 'events_lost_total 0' \
		'offline_attempts_total{result="offlined"} 6' \
		'pages{state="offlined"} 6' 'pages{state="watched"} 1' \
		"offline_bytes $((6 * page_size))" \
		"poisoned_bytes{by=\"us\"} $((6 * page_size))" \
		"dimm_pages_offlined{$a0} 6" \
		"corrected_errors_total{$a0} $sent"; do
		check "metric $line" metric_comes "$line"
	done
	check 'SIGTERM ends it with 0' daemon_stop
	check 'pages were recorded' [ "$(wc -c </tmp/record/pages)" -gt 1000 ]
	check 'with the texts to read them by' \
		cmp /tmp/record/mc_event.format /sys/kernel/tracing/events/ras/mc_event/format
	check 'softofflinectl reads the database' has \
		"$(softofflinectl --db "$db" --json pages --state=offlined)" \
		"$(printf '0x%x' $(($(head -n 1 /tmp/failing) * page_size)))"
	check 'it has the history' same 6 \
		"$(softofflinectl --db "$db" --json history | grep -o '"offlined"' | wc -l)"
}

# coarse_grain: one bit more than the address of a byte in a page has.
coarse_grain()
{
	awk -v size="$page_size" 'BEGIN { while (size > 1) { size /= 2; n++ }; print n + 1 }'
}

# Every event that must not lead to an action, often enough to cross.
test_hygiene()
{
	fresh hygiene </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 4
	pfn=$(victim_pfn victim 0)
	address=$(printf '0x%x' $((pfn * page_size)))
	check 'daemon starts' daemon_start
	emit addr=0 repeat=5
	emit addr="$address" grain="$(coarse_grain)" repeat=5
	emit addr=0x4000000000 repeat=5
	emit addr=0xfee00000 repeat=5
	emit type=ue addr="$address" repeat=3 label=DIMM_U0 top=1
	emit type=ue count=4 addr=0 label=DIMM_U1 top=2
	emit type=deferred addr="$address" repeat=3 label=DIMM_U0 top=1
	emit type=fatal addr="$address" repeat=3 label=DIMM_U0 top=1
	emit type=info addr="$address" repeat=3 label=DIMM_I0 top=3
	sent=33
	check 'all are read' stored_all
	check 'nothing is poisoned' grew 0
	check 'no page is charged' comes 0 'SELECT count(*) FROM page'
	check 'nothing was decided' comes 0 'SELECT count(*) FROM action'
	for why in no-address:5 coarse-grain:5 not-ram:10 uncorrected:13; do
		check "the history says why: $why" comes "${why#*:}" \
			"SELECT sum(count) FROM ce WHERE unattributed = '${why%:*}' AND severity <> 4"
	done
	check 'corrected: 20, none on a page' comes '20|20' "SELECT corrected_errors,
		unattributed FROM dimm WHERE label = 'DIMM_A0'"
	check 'uncorrected: by DIMM' comes 'DIMM_U0|9
DIMM_U1|4' "SELECT label, uncorrected_errors FROM dimm
		WHERE uncorrected_errors > 0 ORDER BY 1"
	check 'uncorrected: in all' comes 13 "$(total uncorrected_errors)"
	check 'an uncorrected error is told' logged 'uncorrected memory error.* on DIMM_U1'
	check 'information is not an error' comes '0|0' "SELECT corrected_errors,
		uncorrected_errors FROM dimm WHERE label = 'DIMM_I0'"
	daemon_stop
	victim_stop victim
}

# 0 counts as 1; 7 is 7 for the DIMM and 1 in the page's window.
test_counts()
{
	fresh counts </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 4
	pfns_of victim 3 >/tmp/counted
	check 'daemon starts' daemon_start
	ce "$(sed -n 1p /tmp/counted)" count=7 label=DIMM_C0
	ce "$(sed -n 2p /tmp/counted)" count=0 label=DIMM_C0
	check 'stored' stored_all
	check 'count 7 is one of its window' comes '7|watched' \
		"$(page "$(sed -n 1p /tmp/counted)" 'corrected_errors, state')"
	check 'count 0 is 1' comes '1|watched' \
		"$(page "$(sed -n 2p /tmp/counted)" 'corrected_errors, state')"
	check 'the DIMM has 8' comes 8 \
		"SELECT corrected_errors FROM dimm WHERE label = 'DIMM_C0'"
	ce "$(sed -n 2p /tmp/counted)" count=0 label=DIMM_C0
	check 'twice 0 is the threshold' comes offlined \
		"$(page "$(sed -n 2p /tmp/counted)" state)"
	check 'only that page' grew 1
	test_fedac
	daemon_stop
	victim_stop victim
}

test_fedac()
{
	pfn=$(sed -n 3p /tmp/counted)
	address=$(printf '0x%x' $((pfn * page_size + 128)))
	check 'fedac loads' insmod /vm/fedac.ko
	echo "CE 1 $address 0x55 1 0 -1 real EDAC" >/proc/fedac
	echo "CE 1 $address 0x55 1 0 -1 real EDAC" >/proc/fedac
	sent=$((sent + 2))
	check 'the EDAC core names the DIMM' comes 'DIMM_B0|offlined|offlined|2' \
		"SELECT label, state, result, page.corrected_errors FROM page
		JOIN dimm ON dimm.id = page.dimm WHERE pfn = $((pfn))"
	check 'frame is poisoned' poisoned "$pfn"
	echo "grain=2097152 CE 1 $address 0 0 -1 -1 coarse" >/proc/fedac
	sent=$((sent + 1))
	check 'two DIMMs it may be' comes 'DIMM_A0 or DIMM_A1|1|1' \
		"SELECT label, corrected_errors, unattributed FROM dimm
		WHERE label LIKE '% or %'"
	check 'stored' stored_all
	check 'fedac unloads' rmmod fedac
}

test_window()
{
	fresh window <<'END'
[Policy]
PageThreshold=2 / 2s
END
	victim_start victim 2
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	sleep 3
	ce "$pfn"
	check 'stored' stored_all
	check 'three seconds apart are not two in two' comes 'watched|2' \
		"$(page "$pfn" 'state, corrected_errors')"
	check 'not poisoned' not_poisoned "$pfn"
	emit addr="$(printf '0x%x' $((pfn * page_size)))" repeat=2
	check 'at once they are' comes offlined "$(page "$pfn" state)"
	daemon_stop
	victim_stop victim
}

test_dry_run()
{
	fresh dryrun </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 4
	pfns_of victim 4 >/tmp/dry
	check 'daemon starts' daemon_start --dry-run
	ce_all 3 </tmp/dry
	check 'results say so' comes '4|dry-run' \
		'SELECT count(*), result FROM action GROUP BY result'
	check 'stored' stored_all
	check 'nothing is poisoned' grew 0
	check 'told' logged 'Dry run: would have taken page'
	check 'no page counts as offlined' comes 0 "$(pages offlined)"
	daemon_stop
	victim_stop victim
}

test_kernel_page()
{
	fresh kernelpage </dev/null
	poison_before=$(poisoned_kib)
	pfn=$(frame_with slab)
	check 'there is a slab frame' [ -n "$pfn" ]
	check 'daemon starts' daemon_start
	dmesg -c >/dev/null
	ce_all 3 <<END
$pfn
END
	check 'refused' comes 'refused|unmovable' "$(page "$pfn" 'state, result')"
	check 'without a write' comes 'refuse|unmovable|slab|1' "SELECT action, result,
		page_type, count(*) FROM action"
	check 'so the kernel has nothing to say' same '' \
		"$(dmesg | grep -Ei 'unhandlable|soft.?offline|Memory failure')"
	check 'nothing is poisoned' grew 0
	# The same search must be able to find.
	soft_offline "$pfn" 2>/dev/null
	check 'a write would have been seen' has "$(dmesg)" 'soft.?offline|unhandlable'
	daemon_stop
}

# Poisoned by hand before our threshold.
test_already()
{
	fresh already </dev/null
	victim_start victim 4
	by_hand=$(victim_pfn victim 0)
	ours=$(victim_pfn victim 1)
	check 'daemon starts' daemon_start
	ce "$by_hand" label=DIMM_H0
	check 'watched' comes watched "$(page "$by_hand" state)"
	check 'somebody else offlines it' soft_offline "$by_hand"
	poison_before=$(poisoned_kib)
	ce "$by_hand" label=DIMM_H0
	check 'already' comes 'offlined|already|0' \
		"$(page "$by_hand" 'state, result, by_us')"
	check 'nothing was written' comes 0 "$(attempts "$by_hand")"
	# A patched kernel says so when it happens; on a stock one we look, at the next CE.
	learnt='observe|already'
	[ ! -e /sys/kernel/tracing/events/ras/soft_offline_event ] ||
		learnt='foreign|offlined'
	check 'the observation is' comes "$learnt" \
		"SELECT action, result FROM action WHERE pfn = $((by_hand))"
	check 'the DIMM is not charged' comes 0 \
		"SELECT offlined FROM dimm WHERE label = 'DIMM_H0'"
	check 'the hour is not' comes "$((20 * 1000000))" "$(total bucket_level)"
	ce "$ours" label=DIMM_H0
	ce "$ours" label=DIMM_H0
	check 'another page is ours' comes 'offlined|offlined|1' \
		"$(page "$ours" 'state, result, by_us')"
	check 'the counter: a page by another program, then one of ours' comes "program|$page_kib
offlined|$page_kib" "SELECT cause, delta_kib FROM poison WHERE delta_kib <> 0 ORDER BY id"
	check 'rose by one page since' grew 1
	daemon_stop
	victim_stop victim
}

test_huge()
{
	fresh hugepages </dev/null
	echo 4 >/proc/sys/vm/nr_hugepages
	check 'a victim of huge pages' victim_start huge --kind=hugetlb 512
	check 'a victim of THPs' victim_start thp --kind=thp 512
	pfn=$(victim_pfn huge 77)
	thp=$(victim_pfn thp 99)
	check 'the one is' has "$(kpage "$pfn")" huge
	check 'the other is' has "$(kpage "$thp")" thp
	poison_before=$(poisoned_kib)
	check 'daemon starts' daemon_start
	ce "$pfn"
	ce "$pfn"
	check 'HugePages=never: refused' comes 'refused|huge-page' \
		"$(page "$pfn" 'state, result')"
	check 'nothing was written' comes 0 "$(attempts "$pfn")"
	check 'nothing is poisoned' grew 0
	ce "$thp"
	ce "$thp"
	check 'the THP is split and offlined' comes 'offlined|offlined' \
		"$(page "$thp" 'state, result')"
	check 'one small page' grew 1
	check 'it is that frame' poisoned "$thp"
	check 'its type was noted' comes thp \
		"SELECT page_type FROM action WHERE pfn = $((thp))"
	check 'intact' same 'verify ok' "$(victim_ask thp verify)"
	daemon_stop
	victim_stop thp
	victim_stop huge
	echo 0 >/proc/sys/vm/nr_hugepages
	test_huge_2m
	test_thp_no
}

# Which sizes there are goes by architecture and page size: 64 KiB, 2 MiB, 32 MiB, 1 GiB.
test_huge_2m()
{
	fresh hugepages2m <<'END'
[Policy]
HugePages=2M
TransparentHugePages=no
END
	check 'daemon starts' daemon_start
	small=0
	for pool in /sys/kernel/mm/hugepages/hugepages-*kB; do
		huge_kib=${pool##*-}
		huge_kib=${huge_kib%kB}
		echo 4 >"$pool/nr_hugepages"
		if [ "$(cat "$pool/nr_hugepages")" -lt 4 ]; then
			echo "      there is no room for huge pages of $huge_kib KiB"
		else
			test_huge_size
		fi
		echo 0 >"$pool/nr_hugepages"
	done
	check 'one of at most 2 MiB was there' [ "$small" -ge 1 ]
	daemon_stop
}

test_huge_size()
{
	poison_before=$(poisoned_kib)
	check "a victim of huge pages of $huge_kib KiB" \
		victim_start huge --kind=hugetlb --huge-kib="$huge_kib" 1
	pfn=$(victim_pfn huge 3)
	check 'it is one' has "$(kpage "$pfn")" huge
	ce_all 2 <<END
$pfn
END
	if [ "$huge_kib" -le 2048 ]; then
		small=$((small + 1))
		check 'HugePages=2M: offlined' comes 'offlined|offlined' \
			"$(page "$pfn" 'state, result')"
		check 'one small page' grew 1
		check 'that frame' poisoned "$pfn"
	else
		check 'HugePages=2M: refused' comes 'refused|huge-page' \
			"$(page "$pfn" 'state, result')"
		check 'nothing was written' comes 0 "$(attempts "$pfn")"
		check 'nothing is poisoned' grew 0
	fi
	check 'intact' same 'verify ok' "$(victim_ask huge verify)"
	victim_stop huge
}

test_thp_no()
{
	fresh thpno <<'END'
[Policy]
TransparentHugePages=no
END
	poison_before=$(poisoned_kib)
	victim_start thp --kind=thp 512
	thp=$(victim_pfn thp 300)
	check 'a THP' has "$(kpage "$thp")" thp
	check 'daemon starts' daemon_start
	ce "$thp"
	ce "$thp"
	check 'TransparentHugePages=no: refused' comes 'refused|huge-page' \
		"$(page "$thp" 'state, result')"
	check 'nothing is poisoned' grew 0
	daemon_stop
	victim_stop thp
}

test_threshold
test_hygiene
test_counts
test_window
test_dry_run
test_kernel_page
test_already
test_huge
vm_done
