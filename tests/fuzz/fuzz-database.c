#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "unit/damaged.h"

/* Each change of a byte takes four bytes: where it is, three of them, the low one first, and its
 * new value. */
#define CHANGE_SIZE 4
#define CHANGES_MAX 256

/* Whatever stands in the pages of a database, all that reads or changes it ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *original;
	static size_t image_size;
	uint8_t *image;

	if (!original)
		original = database_image(&image_size);
	image = malloc(image_size);
	if (!image)
		abort();
	memcpy(image, original, image_size);
	for (size_t i = 0; i + CHANGE_SIZE <= size && i < CHANGE_SIZE * CHANGES_MAX;
	     i += CHANGE_SIZE) {
		size_t place = data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16;

		image[place % image_size] = data[i + 3];
	}
	database_exercise(image, image_size);
	free(image);
	return 0;
}
