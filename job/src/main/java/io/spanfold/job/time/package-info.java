/** Record time: the clock that deadlines are compared with. */
package io.spanfold.job.time;
