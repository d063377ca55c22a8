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

struct account {
	struct recorder_thread thread;
	int fd;       /* of its schedstat, -1: ended */
	int place_fd; /* of its stat */
	uint64_t ended_ns;
	struct blame_sample sample;
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

/* Field 39 of its stat; the name before it may hold anything. */
static int read_place(const struct account *account)
{
	enum { STATE = 3, PLACE = 39 };
	char text[1024], *rest;
	ssize_t n = pread(account->place_fd, text, sizeof(text) - 1, 0);
	int field;

	if (n <= 0)
		return -1;
	text[n] = '\0';
	rest = strrchr(text, ')');
	for (field = STATE - 1; rest && field < PLACE; field++)
		rest = strchr(rest + 1, ' ');
	return rest ? (int)strtol(rest, NULL, 10) : -1;
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
		return false;
	}
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
