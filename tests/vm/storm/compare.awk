# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables in Markdown of the lines "BUILD STORM NAME VALUE" of several rounds: a table for
# each storm, a row for each build, in the order in which they came.

function add(build, storm, name, value) {
	v[build, storm, name, ++n[build, storm, name]] = value
}

{
	if (!seen_build[$1]++)
		builds[++n_builds] = $1
	if (!seen_storm[$2]++)
		storms[++n_storms] = $2
	add($1, $2, $3, $4)
	if ($3 == "user_msec")
		user[$1, $2] = $4
	if ($3 == "system_msec")
		add($1, $2, "cpu_msec", user[$1, $2] + $4)
}

# sort BUILD STORM NAME: into low, median and high; false if there is nothing.
function sort(build, storm, name,    i, j, count, x, t) {
	count = n[build, storm, name]
	for (i = 1; i <= count; i++) {
		x = v[build, storm, name, i] + 0
		for (j = i - 1; j > 0 && t[j] > x; j--)
			t[j + 1] = t[j]
		t[j + 1] = x
	}
	if (count == 0)
		return 0
	low = t[1]
	high = t[count]
	median = (t[int((count + 1) / 2)] + t[int(count / 2) + 1]) / 2
	return 1
}

# cell NAME SCALE FORMAT: the median and the range, and how it compares.
function cell(name, scale, format,    text, verdict) {
	if (!sort(build, storm, name))
		return "–"
	text = sprintf(format " (" format " to " format ")", median / scale, low / scale,
		high / scale)
	if (build == builds[1]) {
		first_low[name] = low
		first_high[name] = high
		first_median[name] = median
		return text
	}
	if (median > 1.1 * first_median[name] && low > first_high[name])
		verdict = " **worse**"
	else if (median < 0.9 * first_median[name] && high < first_low[name])
		verdict = " better"
	return text verdict
}

END {
	for (s = 1; s <= n_storms; s++) {
		storm = storms[s]
		printf "%sStorm (%s)\n\n", (s > 1 ? "\n" : ""), storm
		print "| build | rounds | CPU seconds | user | system | the writing thread's" \
			" system | p99 after the burst, ms | median, ms | lost | most resident, MiB |" \
			" end to all stored, ms | most unstored when idle |"
		print "|---|---|---|---|---|---|---|---|---|---|---|---|"
		for (b = 1; b <= n_builds; b++) {
			build = builds[b]
			printf "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", build,
				n[build, storm, "sent"], cell("cpu_msec", 1000, "%.2f"),
				cell("user_msec", 1000, "%.2f"), cell("system_msec", 1000, "%.2f"),
				cell("writer_system_msec", 1000, "%.2f"),
				cell("reaction_tail_p99_msec", 1, "%.0f"),
				cell("reaction_tail_median_msec", 1, "%.1f"), cell("lost", 1, "%d"),
				cell("rss_kib", 1024, "%.1f"), cell("stored_msec", 1, "%.0f"),
				cell("idle_unstored", 1, "%d")
		}
	}
}
