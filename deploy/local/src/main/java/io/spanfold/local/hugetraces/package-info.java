/** The {@code huge-traces} command: traces larger than the memory of a task manager. */
package io.spanfold.local.hugetraces;
