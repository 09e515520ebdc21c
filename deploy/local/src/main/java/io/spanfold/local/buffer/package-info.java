/**
 * What a buffer in Redis holds, read and deleted without the job: its keys by the data model that
 * the README beside the scripts tells.
 */
package io.spanfold.local.buffer;
