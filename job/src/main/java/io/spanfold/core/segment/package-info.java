/**
 * Builds the messages of the segments topic from the payloads of a part: stored spans in, messages
 * out.
 */
package io.spanfold.core.segment;
