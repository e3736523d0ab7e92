#pragma once

/* A database whose file was corrupted, and everything that reads one. */

#include <stddef.h>
#include <stdint.h>

/* The bytes of a database of several hundred rows in all tables, *ret_size of them. To be freed. */
uint8_t *database_image(size_t *ret_size);

/* Puts the bytes into a file, answers requests from it, lists and changes what is in it. Whatever
 * the bytes are, all of this ends, and what fails has an error with a text. */
void database_exercise(const uint8_t *image, size_t size);
