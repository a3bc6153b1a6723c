/* object_id: which object a file is. */
#ifndef OBJECT_OBJECT_ID_H
#define OBJECT_OBJECT_ID_H

#include <stdint.h>

/* Identity of an object: what fstat says of its descriptor. */
struct object_id {
	uint64_t dev, inode, size;
	int64_t mtime_ns, ctime_ns;
};

#endif
