/** What the tasks of a job share in one process. */
package io.spanfold.job.resource;
