/* SPDX-License-Identifier: MIT */
#include "recorder_accounts.h"

#include "blame_account.h"
#include "clean.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who ran or waited this long since the last look is worth another read: where that was. */
#define PLACE_NS 1000000u

/* An account that is silent may be of a thread that sleeps, or starves: this often its state is looked at.
 * Where the kernel's tick is off (nohz_full) the account of one that runs grows once a second only. */
#define CHECK_NS  200000000u
#define STARVE_NS 2000000000u

struct account {
	struct recorder_thread thread;
	int fd;       /* of its schedstat, -1: ended */
	int place_fd; /* of its stat */
	uint64_t ended_ns;
	struct blame_sample sample;
	uint64_t checked_ns, ready_ns; /* its state, and since when it was seen ready and did not run */
};

struct recorder_accounts {
	GHashTable *table; /* tid -> struct account */
};

static void end(struct account *account)
{
	if (account->fd >= 0)
		close(account->fd);
	if (account->place_fd >= 0)
		close(account->place_fd);
	account->fd = account->place_fd = -1;
	account->ended_ns = blame_now_ns();
}

static void free_account(gpointer data)
{
	struct account *account = data;

	end(account);
	g_free(account);
}

struct recorder_accounts *recorder_accounts_new(void)
{
	struct recorder_accounts *accounts = g_new0(struct recorder_accounts, 1);

	accounts->table = g_hash_table_new_full(NULL, NULL, NULL, free_account);
	return accounts;
}

struct recorder_accounts *recorder_accounts_free(struct recorder_accounts *accounts)
{
	if (accounts)
		g_hash_table_unref(accounts->table);
	g_free(accounts);
	return NULL;
}

static int open_file(int32_t tid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The first sample is what later ones are compared with. */
static struct account *open_account(struct recorder_accounts *accounts, int32_t tid)
{
	struct account *account = g_new0(struct account, 1);

	account->fd = open_file(tid, "schedstat");
	account->place_fd = open_file(tid, "stat");
	if (blame_account_read(account->fd, &account->sample) < 0)
		end(account);
	g_hash_table_replace(accounts->table, GINT_TO_POINTER(tid), account);
	return account;
}

static void set_thread(struct account *account, const struct recorder_thread *thread)
{
	account->thread = *thread;
	clean_text(account->thread.name);
}

/* A field of its stat from the state on; the name before that may hold anything. NULL: there is none. */
static const char *read_field(const struct account *account, int number, char *buf, size_t size)
{
	enum { STATE = 3 };
	ssize_t n = pread(account->place_fd, buf, size - 1, 0);
	char *rest;
	int field;

	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	rest = strrchr(buf, ')');
	for (field = STATE - 1; rest && field < number; field++)
		rest = strchr(rest + 1, ' ');
	return rest ? rest + 1 : NULL;
}

static int read_place(const struct account *account)
{
	char text[1024];
	const char *field = read_field(account, 39, text, sizeof(text));

	return field ? (int)strtol(field, NULL, 10) : -1;
}

static bool is_ready(const struct account *account)
{
	char text[1024];
	const char *field = read_field(account, 3, text, sizeof(text));

	return field && *field == 'R';
}

/* Of an account that did not grow. */
static bool starves(struct account *account, uint64_t time_ns, struct recorder_entry *ret_entry)
{
	if (time_ns - account->checked_ns < CHECK_NS)
		return false;
	account->checked_ns = time_ns;
	if (!is_ready(account)) {
		account->ready_ns = 0;
		return false;
	}
	if (account->ready_ns == 0)
		account->ready_ns = time_ns;
	if (time_ns - account->ready_ns < STARVE_NS)
		return false;
	*ret_entry = (struct recorder_entry){
		.kind = RECORDER_STARVES, .tid = account->thread.tid, .time_ns = time_ns};
	ret_entry->took_ns = time_ns - account->ready_ns;
	ret_entry->sample.cpu = read_place(account);
	return true;
}

static void compare(const struct account *account, const struct blame_sample *sample,
		    struct recorder_entry *ret_entry)
{
	*ret_entry = (struct recorder_entry){.kind = RECORDER_SAMPLE, .tid = account->thread.tid};
	ret_entry->time_ns = sample->after_ns;
	ret_entry->took_ns = sample->after_ns - account->sample.after_ns;
	ret_entry->sample.delay_ns = sample->run_delay_ns - account->sample.run_delay_ns;
	ret_entry->sample.run_ns = sample->run_ns - account->sample.run_ns;
	ret_entry->sample.arrivals = sample->arrivals - account->sample.arrivals;
	ret_entry->sample.cpu = -1;
}

bool recorder_accounts_look(struct recorder_accounts *accounts, const struct recorder_thread *thread,
			    struct recorder_entry *ret_entry)
{
	struct account *account = g_hash_table_lookup(accounts->table, GINT_TO_POINTER(thread->tid));
	struct blame_sample sample;

	if (!account || account->fd < 0) {
		set_thread(open_account(accounts, thread->tid), thread);
		return false;
	}
	set_thread(account, thread);
	if (blame_account_read(account->fd, &sample) < 0) {
		end(account);
		return false;
	}
	if (sample.run_ns == account->sample.run_ns && sample.arrivals == account->sample.arrivals) {
		account->sample = sample;
		return starves(account, sample.after_ns, ret_entry);
	}
	account->ready_ns = 0;
	compare(account, &sample, ret_entry);
	if (ret_entry->sample.delay_ns >= PLACE_NS || ret_entry->sample.run_ns >= PLACE_NS)
		ret_entry->sample.cpu = read_place(account);
	account->sample = sample;
	return true;
}

void recorder_accounts_sweep(struct recorder_accounts *accounts, uint64_t keep_ns)
{
	uint64_t time_ns = blame_now_ns();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, accounts->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct account *account = value;

		/* Nobody looks at one that ended: this does. */
		if (account->fd >= 0 && time_ns - account->sample.after_ns > keep_ns)
			end(account);
		if (account->fd < 0 && time_ns - account->ended_ns > keep_ns)
			g_hash_table_iter_remove(&iter);
	}
}

const struct recorder_thread *recorder_accounts_find(const struct recorder_accounts *accounts, int32_t tid)
{
	const struct account *account = g_hash_table_lookup(accounts->table, GINT_TO_POINTER(tid));

	return account ? &account->thread : NULL;
}

void recorder_accounts_for_each(const struct recorder_accounts *accounts,
				void (*found)(const struct recorder_thread *thread, void *data), void *data)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, accounts->table);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		found(&((const struct account *)value)->thread, data);
}
