/* SPDX-License-Identifier: MIT */
#include "image_letter.h"

#include "tool_say.h"

gboolean image_letter_set(struct image_options *options, const char *where, int letter, const char *value)
{
	static const struct {
		char letter;
		const char *key, *value; /* value NULL: what was given */
	} letters[] = {
		{'r', "read-only", "on"}, {'n', "cache", "none"},     {'k', "engine", "libaio"},
		{'m', "misalign", "on"},  {'U', "force-share", "on"}, {'t', "cache", NULL},
		{'d', "discard", NULL},   {'i', "engine", NULL},      {'f', "driver", NULL},
	};
	guint i;

	for (i = 0; i < G_N_ELEMENTS(letters); i++) {
		if (letter == letters[i].letter)
			return image_options_set(options, where, letters[i].key,
						 letters[i].value ? letters[i].value : value);
	}
	if (letter == 'o')
		return image_options_set_all(options, where, value);
	if (letter == 's') {
		complain("%s: a raw image has no snapshots; copy it, and open the copy", where);
		return FALSE;
	}
	/* -C: what would be copied on a read is in an image below, and a raw one has none. */
	return TRUE;
}
