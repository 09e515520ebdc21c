/** The {@code cluster} command: all servers as processes. */
package io.spanfold.local.cluster;
