/* SPDX-License-Identifier: MIT */
/*
 * Both sides of a layout, by the headers alone, to be compiled for 32 and for 64 bits:
 *
 *	sides places			sizes and offsets, a line each; the first one is the pointer's
 *	sides write FILE		a layout and all that can lie in it, the same each time
 *	sides guest FILE SLOT		publishes values as a guest's programs do
 *	sides talk FILE OWN OTHER N	says N messages to the other side, and hears as many
 */
#include <qrt/shmem_guest.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <sched.h>

#define PEERS  3u
#define VALUES (QRT_SHMEM_AGENT_VALUES + 4)
#define RING   4096u
#define NONCE  0xfedcba9876543210ull
#define EPOCH  4711u
#define TALK_S 100

static uint64_t length;

static void insist(int is_so, const char *what)
{
	if (is_so)
		return;
	printf("no: %s\n", what);
	exit(1);
}

static void *map_file(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	void *at;

	length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	insist(fd >= 0 && ftruncate(fd, (off_t)length) >= 0, path);
	at = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	insist(at != MAP_FAILED, "mapping");
	close(fd);
	return at;
}

/* ---- places ---- */

static void print(const char *what, uint64_t number)
{
	printf("%s %llu\n", what, (unsigned long long)number);
}

static void print_sizes(void)
{
	print("header", sizeof(struct qrt_shmem_header));
	print("header check", offsetof(struct qrt_shmem_header, check));
	print("state", sizeof(struct qrt_shmem_state));
	print("state copy", sizeof(struct qrt_shmem_state_copy));
	print("message", sizeof(struct qrt_shmem_message));
	print("message type", offsetof(struct qrt_shmem_message, type));
	print("value", sizeof(struct qrt_shmem_value));
	print("value content", offsetof(struct qrt_shmem_value, is));
	print("ping", sizeof(struct qrt_shmem_agent_ping));
	print("probe", sizeof(struct qrt_shmem_agent_probe));
	print("result", sizeof(struct qrt_shmem_agent_result));
	print("result buckets", offsetof(struct qrt_shmem_agent_result, buckets));
}

static void print_places_of(const struct qrt_shmem_view *view, uint32_t slot)
{
	uint32_t other;

	print("life", (uint64_t)(qrt_shmem_life_of(view, slot) - view->base));
	print("state", (uint64_t)(qrt_shmem_state_of(view, slot) - view->base));
	print("section", (uint64_t)(qrt_shmem_section_of(view, slot) - view->base));
	print("last value", (uint64_t)(qrt_shmem_value_of(view, slot, VALUES - 1) - view->base));
	print("ring", (uint64_t)(qrt_shmem_ring_of(view, slot) - view->base));
	for (other = 0; other < PEERS; other++) {
		print("bell", (uint64_t)(qrt_shmem_bell_of(view, slot, other) - view->base));
		print("acknowledgement",
		      (uint64_t)(qrt_shmem_acknowledgement_of(view, slot, other) - view->base));
	}
}

/* The largest layout that there can be has places beyond 32 bits: they are numbers, and not mapped. */
static void print_places(void)
{
	unsigned char *memory = malloc((size_t)qrt_shmem_layout_bytes(PEERS, VALUES, RING));
	struct qrt_shmem_view view;
	uint32_t slot;

	print("pointer", sizeof(void *));
	print_sizes();
	insist(memory && qrt_shmem_set_view(&view, memory, qrt_shmem_layout_bytes(PEERS, VALUES, RING), PEERS,
					    VALUES, RING, NONCE) >= 0,
	       "a view");
	for (slot = 0; slot < PEERS; slot++)
		print_places_of(&view, slot);
	print("bytes", qrt_shmem_layout_bytes(PEERS, VALUES, RING));
	print("most bytes",
	      qrt_shmem_layout_bytes(QRT_SHMEM_PEERS_MAX, QRT_SHMEM_VALUES_MAX, QRT_SHMEM_RING_MAX));
	print("most of a section",
	      qrt_shmem_section_bytes(QRT_SHMEM_PEERS_MAX, QRT_SHMEM_VALUES_MAX, QRT_SHMEM_RING_MAX));
	free(memory);
}

/* ---- writing ---- */

static void make(struct qrt_shmem_view *ret_view, const char *path)
{
	void *memory = map_file(path, O_CREAT);
	uint32_t slot;

	insist(qrt_shmem_make(memory, length, PEERS, VALUES, RING, NONCE) >= 0 &&
		       qrt_shmem_attach(ret_view, memory, length) >= 0,
	       "a layout");
	for (slot = 0; slot < PEERS; slot++)
		insist(qrt_shmem_begin_life(ret_view, slot, 1000 + slot) >= 0, "a life");
}

static void say(const struct qrt_shmem_view *view, uint32_t slot, uint32_t beat)
{
	struct qrt_shmem_state state;

	memset(&state, 0, sizeof(state));
	state.life = qrt_shmem_get_life(view, slot);
	state.state = QRT_SHMEM_STATE_READY;
	state.beat = beat;
	insist(qrt_shmem_say_state(view, slot, &state) >= 0, "a state");
}

/* By the programs of a guest: a file stands for the device's memory, and beside it are their claims. */
static void publish_as_guest(const char *path, uint32_t slot)
{
	struct qrt_shmem_guest_config config;
	struct qrt_shmem_guest_value value;
	struct qrt_shmem_guest guest;
	char folder[100];

	snprintf(folder, sizeof(folder), "%.80s.claims", path);
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.set = QRT_SHMEM_GUEST_SET_SLOT;
	config.slot = slot;
	config.file = path;
	config.folder = folder;
	insist(qrt_shmem_guest_open(&config, &guest) >= 0, "a guest");
	insist(qrt_shmem_guest_claim(&guest, "large", &value) >= 0 &&
		       qrt_shmem_guest_publish_u64(&guest, &value, UINT64_MAX - 1) >= 0,
	       "a number");
	insist(qrt_shmem_guest_claim(&guest, "small", &value) >= 0 &&
		       qrt_shmem_guest_publish_double(&guest, &value, 1e-300) >= 0,
	       "a fraction");
	insist(qrt_shmem_guest_claim(&guest, "word", &value) >= 0 &&
		       qrt_shmem_guest_publish_text(&guest, &value, "wort") >= 0 &&
		       qrt_shmem_guest_publish_text(&guest, &value, "mot") >= 0,
	       "a word");
	qrt_shmem_guest_close(&guest);
}

static uint32_t fill(unsigned char *content, uint32_t number, uint32_t most)
{
	uint32_t i, count = number * 37 % (most + 1);

	for (i = 0; i < count; i++)
		content[i] = (unsigned char)(number * 7 + i * 13);
	return count;
}

/* More than the ring has room for, and another slot reads some of it. */
static void exchange(const struct qrt_shmem_view *view, uint32_t from, uint32_t to)
{
	struct qrt_shmem_message message;
	struct qrt_shmem_writer writer;
	struct qrt_shmem_reader reader;
	unsigned char content[RING];
	uint32_t i;

	insist(qrt_shmem_begin_reading(&reader, view, from, to, 0) >= 0 &&
		       qrt_shmem_begin_writing(&writer, view, from, EPOCH, QRT_SHMEM_TO_ALL) >= 0,
	       "a ring");
	for (i = 0; i < 50; i++) {
		insist(qrt_shmem_send(&writer, (uint16_t)to, (uint16_t)i, content,
				      fill(content, i, qrt_shmem_length_max(view))) >= 0,
		       "sending");
		if (i % 3 == 0) {
			insist(qrt_shmem_receive(&reader, &message, content, sizeof(content)) == 1,
			       "receiving");
			qrt_shmem_acknowledge(&reader);
		}
		qrt_shmem_ring_bell(view, from, to);
	}
}

static void write_all(const char *path)
{
	struct qrt_shmem_view view;
	uint32_t beat;

	make(&view, path);
	for (beat = 1; beat < 4; beat++)
		say(&view, beat % PEERS, beat);
	say(&view, 1, 77);
	exchange(&view, 0, 1);
	exchange(&view, 2, 0);
	publish_as_guest(path, 1);
	insist(qrt_shmem_withdraw(&view, 1, VALUES - 2) >= 0, "taking a value away");
}

/* ---- talking ---- */

struct side {
	struct qrt_shmem_view view;
	struct qrt_shmem_writer writer;
	struct qrt_shmem_reader reader;
	uint32_t own, other, count, said, heard, bells;
};

/* Two numbers that belong together: one from before would not fit the other. */
static void publish_pair(const struct side *side)
{
	struct qrt_shmem_value value;

	memset(&value, 0, sizeof(value));
	strcpy(value.name, "pair");
	value.type = QRT_SHMEM_U64;
	value.size = 16;
	value.is.u64[0] = side->said * 0x100000001ull;
	value.is.u64[1] = ~value.is.u64[0];
	insist(qrt_shmem_publish(&side->view, side->own, 0, &value) >= 0, "publishing");
}

static void speak(struct side *side)
{
	unsigned char content[RING];
	uint32_t count = fill(content, side->said, qrt_shmem_length_max(&side->view));
	int rc;

	if (side->said == side->count)
		return;
	rc = qrt_shmem_send(&side->writer, (uint16_t)side->other, (uint16_t)side->said, content, count);
	if (rc == -EAGAIN)
		return;
	insist(rc >= 0, "sending");
	side->said++;
	publish_pair(side);
	say(&side->view, side->own, side->said);
	qrt_shmem_ring_bell(&side->view, side->own, side->other);
}

static void look(const struct side *side)
{
	struct qrt_shmem_state state;
	struct qrt_shmem_value value;
	int rc = qrt_shmem_read_value(&side->view, side->other, 0, &value);

	insist(rc >= 0 || rc == -ENOENT || rc == -EAGAIN, "a value that is whole");
	insist(rc < 0 || (value.size == 16 && value.is.u64[1] == ~value.is.u64[0] &&
			  (uint32_t)value.is.u64[0] == value.is.u64[0] >> 32),
	       "a value of one time");
	rc = qrt_shmem_read_state(&side->view, side->other, &state);
	insist(rc >= 0 || rc == -ENOENT || rc == -EAGAIN, "a state that is whole");
	insist(rc < 0 || state.life == 1000 + side->other, "its life");
}

static void hear(struct side *side)
{
	unsigned char content[RING], wanted[RING];
	struct qrt_shmem_message message;
	uint32_t count;
	int rc = qrt_shmem_receive(&side->reader, &message, content, sizeof(content));

	insist(rc >= 0, "receiving");
	if (!rc)
		return;
	count = fill(wanted, side->heard, qrt_shmem_length_max(&side->view));
	insist(message.number == side->heard && message.type == (uint16_t)side->heard &&
		       message.to == side->own && message.length == count &&
		       memcmp(content, wanted, count) == 0,
	       "the next message");
	side->heard++;
	qrt_shmem_acknowledge(&side->reader);
}

/* The one who waits for the other's acknowledgements must not leave before they all came. */
static void finish(const struct side *side)
{
	while (!qrt_shmem_is_acknowledged(&side->writer, side->other))
		sched_yield();
	insist(qrt_shmem_look_bell(&side->view, side->other, side->own) - side->bells == side->count,
	       "its bells");
	insist(side->reader.lost == 0, "nothing is lost");
	printf("good\n");
}

static void await(const char *line)
{
	char text[16];

	puts("ready");
	fflush(stdout);
	insist(fgets(text, sizeof(text), stdin) && strcmp(text, line) == 0, "what to do");
}

static void talk(const char *path, uint32_t own, uint32_t other, uint32_t count)
{
	struct side side;
	void *memory = map_file(path, 0);

	memset(&side, 0, sizeof(side));
	side.own = own;
	side.other = other;
	side.count = count;
	alarm(TALK_S);
	insist(qrt_shmem_attach(&side.view, memory, length) >= 0, "attaching");
	insist(qrt_shmem_begin_writing(&side.writer, &side.view, own, EPOCH + own, other) >= 0, "writing");
	side.bells = qrt_shmem_look_bell(&side.view, other, own);
	await("begin\n"); /* the other one writes, too */
	insist(qrt_shmem_begin_reading(&side.reader, &side.view, other, own, 1) >= 0, "reading");
	while (side.said < count || side.heard < count) {
		speak(&side);
		look(&side);
		hear(&side);
		if (side.said == count || side.heard < side.said)
			sched_yield();
	}
	finish(&side);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "places") == 0)
		print_places();
	else if (argc == 3 && strcmp(argv[1], "write") == 0)
		write_all(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "guest") == 0)
		publish_as_guest(argv[2], (uint32_t)atoi(argv[3]));
	else if (argc == 6 && strcmp(argv[1], "talk") == 0)
		talk(argv[2], (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]));
	else
		return 2;
	return 0;
}
