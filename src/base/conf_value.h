/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CONF_VALUE_H
#define ONCELINK_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_network;

/* Room for any value that the printing functions below write. */
#define CONF_VALUE_SIZE 64

/* conf_value_number(text, number): a whole decimal number.  All functions
 * that read return false, and leave their result alone, for bad text. */
bool	 conf_value_number(const char *text, int64_t *number);

/*
 * conf_value_duration(text, milliseconds): numbers with the units d, h, m, s
 * and ms, each at most once and in this order, or a bare number of seconds.
 */
bool	 conf_value_duration(const char *text, int64_t *milliseconds);

/* conf_value_size(text, bytes): a number of bytes, or of K, M, G or T. */
bool	 conf_value_size(const char *text, int64_t *bytes);

/*
 * conf_value_network(text, network): an IPv4 or IPv6 address, or a range of
 * them as ADDRESS/BITS whose other bits are zero.
 */
bool	 conf_value_network(const char *text, struct conf_network *network);

/* conf_value_is_text(text): is it UTF-8 without control characters? */
bool	 conf_value_is_text(const char *text);

/* conf_value_within(network, address): does the address belong to it? */
bool	 conf_value_within(const struct conf_network *network,
	    const char *address);

/* conf_value_print_duration(out, ms): the text that reads back as ms. */
void	 conf_value_print_duration(char out[CONF_VALUE_SIZE],
	    int64_t milliseconds);

/* conf_value_print_size(out, bytes): the text that reads back as bytes. */
void	 conf_value_print_size(char out[CONF_VALUE_SIZE], int64_t bytes);

/* conf_value_print_network(out, network): the text that reads back so. */
void	 conf_value_print_network(char out[CONF_VALUE_SIZE],
	    const struct conf_network *network);

#endif
