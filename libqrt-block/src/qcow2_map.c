/* SPDX-License-Identifier: MIT */
/* From a place in the image to a place in its file. A unit is what has a state of its own: a cluster, or with
 * extended entries one of its 32 subclusters. */
#include <errno.h>

#include "qcow2_p.h"

#define OFFSET_MASK      0x00fffffffffffe00ull
#define COMPRESSED_FLAG  (1ull << 62)
#define ZERO_FLAG        1ull
#define SUBCLUSTERS_BITS 5u
#define SECTOR           512u

struct unit {
	uint32_t kind;
	uint64_t host, host_length;
};

static uint32_t unit_bits(const struct qrt_block_p_qcow2_header *header)
{
	return header->cluster_bits - (header->is_extended ? SUBCLUSTERS_BITS : 0);
}

/* An entry says in how many sectors the cluster ends; the last of them may be cut by the file's end. */
static int take_compressed(const struct qrt_block_p_qcow2_image *image, uint64_t entry, struct unit *ret)
{
	uint32_t shift = 62 - (image->header.cluster_bits - 8);
	uint64_t host = entry & ((1ull << shift) - 1);
	uint64_t sectors = ((entry & (COMPRESSED_FLAG - 1)) >> shift) + 1;
	uint64_t length = sectors * SECTOR - host % SECTOR;

	if (host >= image->file_length)
		return -EUCLEAN;
	if (length > image->file_length - host)
		length = image->file_length - host;
	*ret = (struct unit){QRT_BLOCK_P_QCOW2_COMPRESSED, host, length};
	return 0;
}

static int take_subcluster(uint64_t bitmap, uint32_t number, uint64_t host, struct unit *ret)
{
	int is_allocated = bitmap >> number & 1, is_zero = bitmap >> (number + 32) & 1;

	if ((is_allocated && is_zero) || (is_allocated && !host))
		return -EUCLEAN;
	ret->kind = is_zero        ? QRT_BLOCK_P_QCOW2_ZERO
		    : is_allocated ? QRT_BLOCK_P_QCOW2_DATA
				   : QRT_BLOCK_P_QCOW2_UNALLOCATED;
	return 0;
}

/* `table`: a slice; `unit`: the number in it. */
static int take_unit(const struct qrt_block_p_qcow2_image *image, const uint8_t *table, uint64_t unit,
		     struct unit *ret)
{
	const struct qrt_block_p_qcow2_header *header = &image->header;
	uint32_t number = header->is_extended ? unit & ((1u << SUBCLUSTERS_BITS) - 1) : 0;
	const uint8_t *place = header->is_extended ? table + (unit >> SUBCLUSTERS_BITS) * 16
						   : table + unit * 8;
	uint64_t entry = qrt_block_p_be64(place), host = entry & OFFSET_MASK;

	if (entry & COMPRESSED_FLAG)
		return take_compressed(image, entry, ret);
	if (host & ((1ull << header->cluster_bits) - 1) ||
	    (entry & ZERO_FLAG && (header->version < 3 || header->is_extended)))
		return -EUCLEAN;
	*ret = (struct unit){QRT_BLOCK_P_QCOW2_UNALLOCATED, host + ((uint64_t)number << unit_bits(header)),
			     0};
	if (header->is_extended)
		return take_subcluster(qrt_block_p_be64(place + 8), number, host, ret);
	if (entry & ZERO_FLAG)
		ret->kind = QRT_BLOCK_P_QCOW2_ZERO;
	else if (host)
		ret->kind = QRT_BLOCK_P_QCOW2_DATA;
	return 0;
}

static int goes_on(const struct unit *first, const struct unit *next, uint64_t bytes)
{
	return first->kind == next->kind &&
	       (first->kind != QRT_BLOCK_P_QCOW2_DATA || next->host == first->host + bytes);
}

/* As many units as are alike, one behind the other. */
static int join_units(const struct qrt_block_p_qcow2_image *image, const uint8_t *table, uint64_t unit,
		      uint64_t units_of_slice, uint64_t length, struct unit *ret_first, uint64_t *ret_bytes)
{
	uint64_t step = 1ull << unit_bits(&image->header);
	struct unit next;
	int rc = take_unit(image, table, unit, ret_first);

	*ret_bytes = step;
	if (rc < 0 || ret_first->kind == QRT_BLOCK_P_QCOW2_COMPRESSED)
		return rc;
	while (*ret_bytes < length && ++unit < units_of_slice) {
		/* What is wrong there is said when it is looked at by itself. */
		if (take_unit(image, table, unit, &next) < 0 || !goes_on(ret_first, &next, *ret_bytes))
			break;
		*ret_bytes += step;
	}
	return 0;
}

/* A file may end in its last cluster, but not before what is asked for. */
static int check_host(const struct qrt_block_p_qcow2_image *image, struct qrt_block_p_qcow2_extent *extent)
{
	if (extent->kind != QRT_BLOCK_P_QCOW2_DATA)
		return 0;
	if (extent->host >= image->file_length)
		return -EUCLEAN;
	if (extent->length > image->file_length - extent->host)
		extent->length = image->file_length - extent->host;
	return 0;
}

static int map_slice(const struct qrt_block_p_qcow2_image *image, const uint8_t *table, uint64_t unit,
		     uint64_t units_of_slice, uint64_t offset, uint64_t length,
		     struct qrt_block_p_qcow2_extent *ret)
{
	uint32_t is_extended = image->header.is_extended;
	uint64_t inside = offset & ((1ull << unit_bits(&image->header)) - 1), bytes;
	struct unit first;
	int rc = join_units(image, table, unit, units_of_slice, inside + length, &first, &bytes);

	if (rc < 0)
		return rc;
	ret->kind = first.kind;
	ret->host = first.host;
	ret->host_length = first.host_length;
	if (first.kind == QRT_BLOCK_P_QCOW2_COMPRESSED && is_extended) {
		/* It has no subclusters. */
		bytes = 1ull << image->header.cluster_bits;
		inside = offset & (bytes - 1);
	}
	if (first.kind == QRT_BLOCK_P_QCOW2_DATA)
		ret->host += inside;
	ret->length = length < bytes - inside ? length : bytes - inside;
	return check_host(image, ret);
}

int qrt_block_p_qcow2_map(const struct qrt_block_p_qcow2_image *image, uint32_t layer,
			  qrt_block_p_qcow2_find *find, void *data, uint64_t offset, uint64_t length,
			  struct qrt_block_p_qcow2_extent *ret)
{
	const struct qrt_block_p_qcow2_header *header = &image->header;
	uint32_t entry_bits = header->is_extended ? 4 : 3;
	uint32_t reach_bits = qrt_block_p_qcow2_reach_bits(header);
	uint64_t reach = 1ull << reach_bits, slice_reach, units_of_slice, table;
	uint64_t inside = offset & (reach - 1);
	const uint8_t *slice;

	ret->layer = layer;
	table = image->l1[offset >> reach_bits] & OFFSET_MASK;
	if (!table) {
		ret->kind = QRT_BLOCK_P_QCOW2_UNALLOCATED;
		ret->length = length < reach - inside ? length : reach - inside;
		return 0;
	}
	if (table & ((1ull << header->cluster_bits) - 1))
		return -EUCLEAN;
	slice_reach = (uint64_t)(image->slice_bytes >> entry_bits) << header->cluster_bits;
	table += inside / slice_reach * image->slice_bytes;
	if (table > image->file_length || image->slice_bytes > image->file_length - table)
		return -EUCLEAN;
	slice = find(data, layer, table);
	if (!slice) {
		ret->kind = QRT_BLOCK_P_QCOW2_TABLE;
		ret->host = table;
		ret->host_length = image->slice_bytes;
		return 0;
	}
	units_of_slice = slice_reach >> unit_bits(header);
	return map_slice(image, slice, inside % slice_reach >> unit_bits(header), units_of_slice, offset,
			 length, ret);
}

int qrt_block_p_qcow2_map_layers(const struct qrt_block_p_qcow2_layers *layers, qrt_block_p_qcow2_find *find,
				 void *data, uint64_t offset, uint64_t length,
				 struct qrt_block_p_qcow2_extent *ret)
{
	uint32_t i;

	for (i = 0; i < layers->count && offset < layers->capacities[i]; i++) {
		int rc;

		if (length > layers->capacities[i] - offset)
			length = layers->capacities[i] - offset;
		if (!layers->images[i]) {
			*ret = (struct qrt_block_p_qcow2_extent){QRT_BLOCK_P_QCOW2_DATA, i, length, offset,
								 length};
			return 0;
		}
		rc = qrt_block_p_qcow2_map(layers->images[i], i, find, data, offset, length, ret);
		if (rc < 0 || ret->kind != QRT_BLOCK_P_QCOW2_UNALLOCATED)
			return rc;
		length = ret->length;
	}
	*ret = (struct qrt_block_p_qcow2_extent){QRT_BLOCK_P_QCOW2_ZERO, 0, length, 0, 0};
	return 0;
}
