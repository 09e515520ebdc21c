/** Compression of payloads by zstd, with dictionaries that the writers train from the traffic. */
package io.spanfold.buffer.compression;
