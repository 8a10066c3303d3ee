/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a local user who means harm can send over the system bus:
 *
 *   hostile_caller scan CONNECTIONS SECONDS   questions about the history that match
 *                                             nothing, one under way on each connection
 *   hostile_caller flood CONNECTIONS SECONDS  questions, as fast as the bus takes them
 *   hostile_caller unread CONNECTIONS SECONDS lists of pages whose answers are not read
 *   hostile_caller hoard CONNECTIONS SECONDS  the same, one after the other, all the time
 *   hostile_caller signal NAME BYTES SECONDS  signals to one connection of another
 * program
 *
 * Prints "sent N answered N refused N".
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define NAME      "org.softofflined1"
#define PATH      "/org/softofflined1"
#define INTERFACE "org.softofflined1.Manager"
#define MOST      256
#define UNDER_WAY 100 /* of the 128 that the bus allows a connection */

static unsigned long sent, answered, refused;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "hostile_caller: %s: %s\n", what, strerror(-r));
	exit(1);
}

static sd_bus *connect_bus(void)
{
	sd_bus *bus = NULL;

	must(sd_bus_open_system(&bus), "connect");
	return bus;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	unsigned int *under_way = userdata;

	(*under_way)--;
	answered++;
	if (sd_bus_message_is_method_error(m, NULL))
		refused++;
	return 0;
}

/* Of a second at the beginning of time. */
static int append_nothing(sd_bus_message *m)
{
	return sd_bus_message_append(m, "a{sv}", 2, "since", "x", (int64_t)0, "until",
				     "x", (int64_t)1000000);
}

static void send_one(sd_bus *bus, const char *method, unsigned int *under_way)
{
	sd_bus_message *m = NULL;
	int r;

	must(sd_bus_message_new_method_call(bus, &m, NAME, PATH, INTERFACE, method),
	     method);
	if (strcmp(method, "ListErrors") == 0)
		must(append_nothing(m), method);
	else if (strcmp(method, "ListPages") == 0)
		must(sd_bus_message_append(m, "a{sv}", 0), method);
	r = sd_bus_call_async(bus, NULL, m, on_answer, under_way, UINT64_MAX);
	sd_bus_message_unref(m);
	must(r, method);
	(*under_way)++;
	sent++;
}

static void call(const char *method, unsigned int connections, unsigned int most,
		 double seconds)
{
	static unsigned int under_way[MOST];
	static struct pollfd fds[MOST];
	static sd_bus *bus[MOST];
	double end = now() + seconds;

	for (unsigned int i = 0; i < connections; i++) {
		bus[i] = connect_bus();
		fds[i] = (struct pollfd){ .fd = sd_bus_get_fd(bus[i]), .events = POLLIN };
	}
	while (now() < end) {
		for (unsigned int i = 0; i < connections; i++) {
			while (under_way[i] < most)
				send_one(bus[i], method, &under_way[i]);
			while (sd_bus_process(bus[i], NULL) > 0)
				;
		}
		must(poll(fds, connections, 100), "poll");
	}
	for (unsigned int i = 0; i < connections; i++)
		sd_bus_unref(bus[i]);
}

static void leave_unread(unsigned int connections, double seconds)
{
	struct timespec rest = { .tv_sec = (time_t)seconds };
	unsigned int under_way = 0;
	sd_bus *bus[MOST];

	for (unsigned int i = 0; i < connections; i++) {
		bus[i] = connect_bus();
		for (unsigned int n = 0; n < UNDER_WAY; n++)
			send_one(bus[i], "ListPages", &under_way);
		must(sd_bus_flush(bus[i]), "flush");
	}
	nanosleep(&rest, NULL);
	for (unsigned int i = 0; i < connections; i++)
		sd_bus_unref(bus[i]);
}

static void hoard(unsigned int connections, double seconds)
{
	struct timespec rest = { .tv_nsec = 20000000 };
	unsigned int under_way = 0;
	double end = now() + seconds;
	sd_bus *bus[MOST];

	for (unsigned int i = 0; i < connections; i++)
		bus[i] = connect_bus();
	for (unsigned int i = 0; now() < end; i = (i + 1) % connections) {
		send_one(bus[i], "ListPages", &under_way);
		must(sd_bus_flush(bus[i]), "flush");
		nanosleep(&rest, NULL);
	}
	for (unsigned int i = 0; i < connections; i++)
		sd_bus_unref(bus[i]);
}

static void signal_to(const char *name, size_t bytes, double seconds)
{
	sd_bus *bus = connect_bus();
	void *body = calloc(1, bytes);
	double end = now() + seconds;

	while (now() < end) {
		sd_bus_message *m = NULL;

		must(sd_bus_message_new_signal(bus, &m, "/x", "a.b", "C"), "signal");
		must(sd_bus_message_append_array(m, 'y', body, bytes), "signal");
		must(sd_bus_message_set_destination(m, name), "signal");
		must(sd_bus_send(bus, m, NULL), "signal");
		must(sd_bus_flush(bus), "signal");
		sd_bus_message_unref(m);
		while (sd_bus_process(bus, NULL) > 0)
			;
		sent++;
	}
	sd_bus_unref(bus);
	free(body);
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;

	if (n > MOST)
		return 2;
	if (argc == 4 && strcmp(argv[1], "scan") == 0)
		call("ListErrors", n, 1, atof(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "flood") == 0)
		call("GetStatus", n, UNDER_WAY, atof(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "unread") == 0)
		leave_unread(n, atof(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "hoard") == 0 && n > 0)
		hoard(n, atof(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "signal") == 0)
		signal_to(argv[2], (size_t)atol(argv[3]), atof(argv[4]));
	else
		return 2;
	printf("sent %lu answered %lu refused %lu\n", sent, answered, refused);
	return 0;
}
