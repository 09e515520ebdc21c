/**
 * Shows what the buffer holds without a job: its lease, its keys and single traces; deletes a
 * buffer whose job is gone.
 */
package io.spanfold.buffer.inspect;
