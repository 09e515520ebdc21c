/** The default command: sample traces in a loop. */
package io.spanfold.local.demo;
