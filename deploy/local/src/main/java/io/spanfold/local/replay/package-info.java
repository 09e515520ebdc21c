/** The {@code replay} command: a file of source records in, files of the job's output out. */
package io.spanfold.local.replay;
