/** The {@code inspect} command: what a buffer in Redis holds. */
package io.spanfold.local.inspect;
