# SPDX-License-Identifier: GPL-2.0-or-later
#
# A table in Markdown of the lines "PROGRAM STORM NAME VALUE": a row for each storm and
# program, in the order of the storms.

{ v[$1, $2, $3] = $4; have[$1, $2] = 1 }

function number(n,    text, sign) {
	text = sprintf("%d", n)
	while (match(text, /^[0-9]+[0-9][0-9][0-9](,|$)/))
		text = substr(text, 1, match(text, /[0-9][0-9][0-9](,|$)/) - 1) "," \
			substr(text, RSTART)
	return text
}

function seconds(name) {
	return sprintf("%.2f", v[p, s, name] / 1000)
}

function msec(name) {
	return (p, s, name) in v ? sprintf(v[p, s, name] < 10 ? "%.1f" : "%.0f", v[p, s, name]) : "–"
}

function cpu() {
	return v[p, s, "user_msec"] + v[p, s, "system_msec"]
}

function row(    sent) {
	sent = v[p, s, "sent"]
	printf "| (%s) %s ", s, p
	printf "| %s | %s | %.0f %% ", number(v[p, s, "recorded"]), number(v[p, s, "lost"]),
		100 * v[p, s, "recorded"] / (sent ? sent : 1)
	printf "| %d + %d ", v[p, s, "retired"], v[p, s, "retired_of_burst"]
	printf "| %.2f = %s + %s ", cpu() / 1000, seconds("user_msec"), seconds("system_msec")
	printf "| %s ", (p, s, "writer_system_msec") in v ? seconds("writer_system_msec") : "–"
	printf "| %d ", v[p, s, "recorded"] * 1000 / (cpu() ? cpu() : 10)
	printf "| %.1f MiB ", v[p, s, "rss_kib"] / 1024
	printf "| %s / %s ms ", msec("reaction_tail_median_msec"), msec("reaction_tail_p99_msec")
	printf "| %s ms ", msec("replace_msec")
	printf "| %s ms | %s ", msec("stored_msec"),
		(p, s, "idle_unstored") in v ? number(v[p, s, "idle_unstored"]) : "–"
	printf "| %.1f MB | %d |\n", v[p, s, "database_bytes"] / 1000000, v[p, s, "log_lines"]
}

# ratio STORM LESS: how many times (a)'s CPU time its is, LESS the writer's system time.
function ratio(storm, less,    a, b) {
	p = "softofflined"
	s = "a"
	a = cpu() - less * v[p, s, "writer_system_msec"]
	s = storm
	b = cpu() - less * v[p, s, "writer_system_msec"]
	if (have[p, "a"] && have[p, storm] && a > 0)
		printf "CPU time of (%s)%s: %.2f times (a)'s.\n", storm,
			less ? " without the kernel's own writes" : "", b / a
}

END {
	print "| storm | recorded | lost | counted | pages out of use: failing, of 200, + of the burst |" \
		" CPU seconds = user + system | of which the thread that writes to the kernel, system |" \
		" events recorded per CPU second | most resident |" \
		" threshold to offlined after the burst, median / p99 | burst to `replace` |" \
		" end to all stored | most unstored when idle | database | lines in the log |"
	print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
	n = split("a b c d-a d-b", storms, " ")
	for (i = 1; i <= n; i++) {
		s = storms[i]
		for (j = 1; j <= 2; j++) {
			p = j == 1 ? "softofflined" : "rasdaemon"
			if (have[p, s])
				row()
		}
	}
	print ""
	ratio("b", 0)
	ratio("b", 1)
	ratio("c", 0)
	ratio("c", 1)
}
