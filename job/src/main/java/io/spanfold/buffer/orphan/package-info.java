/**
 * Reads what a job left in Redis whose state is lost: quarantines it under keys of its own, then
 * shows its payloads and removes them.
 */
package io.spanfold.buffer.orphan;
