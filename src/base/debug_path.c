#include "base/debug_path.h"

#include <stdio.h>
#include <string.h>

bool debug_link_valid(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

#define DWZ ".dwz/"

/* Down and nowhere else. */
static bool is_dwz_link(const char *link)
{
	const char *part = link, *slash;

	if (strncmp(link, DWZ, strlen(DWZ)))
		return false;
	while ((slash = strchr(part, '/'))) {
		if (slash == part || !strncmp(part, "./", 2) || !strncmp(part, "../", 3))
			return false;
		part = slash + 1;
	}
	return debug_link_valid(part);
}

bool debug_dwz_link(const char *name, char link[DEBUG_LINK_MAX])
{
	const char *dwz = strncmp(name, DWZ, strlen(DWZ)) ? strstr(name, "/" DWZ) : name;

	if (!dwz)
		return false;
	dwz += *dwz == '/';
	if (strlen(dwz) >= DEBUG_LINK_MAX || !is_dwz_link(dwz))
		return false;
	memset(link, 0, DEBUG_LINK_MAX);
	strcpy(link, dwz);
	return true;
}

/* Nothing is said twice in different ways, nothing is hidden behind an end. */
static bool is_padded(const void *p, size_t size)
{
	const char *c = p;

	for (size_t i = 0; i < size; i++)
		if (c[i])
			return false;
	return true;
}

bool debug_names_valid(const struct debug_names *n)
{
	const char *nul = memchr(n->link, 0, sizeof(n->link));

	if (!nul || !is_padded(nul, sizeof(n->link) - (size_t)(nul - n->link)))
		return false;
	/* The folder is called by the first byte, the file by the others. */
	if (n->build_id_size > sizeof(n->build_id) || n->build_id_size == 1 ||
	    !is_padded(n->build_id + n->build_id_size, sizeof(n->build_id) - n->build_id_size))
		return false;
	if (is_dwz_link(n->link)) /* only its build id tells whether it is the right one */
		return n->build_id_size;
	return *n->link ? debug_link_valid(n->link) : n->build_id_size;
}

static bool by_build_id(const struct debug_names *n, const char *folder, char path[PATH_MAX])
{
	char hex[2 * DEBUG_BUILD_ID_MAX + 1] = "";

	if (n->build_id_size < 2)
		return false;
	for (unsigned i = 0; i < n->build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", n->build_id[i]);
	return snprintf(path, PATH_MAX, "%s/.build-id/%.2s/%s.debug", folder, hex, hex + 2) < PATH_MAX;
}

bool debug_path(const struct debug_names *n, enum debug_place place, const char *object, const char *folder,
		char path[PATH_MAX])
{
	const char *slash = strrchr(object, '/');
	int dir, size;

	if (place == DEBUG_BY_BUILD_ID)
		return by_build_id(n, folder, path);
	if (is_dwz_link(n->link))
		return place == DEBUG_IN_FOLDER && snprintf(path, PATH_MAX, "%s/%s", folder, n->link) < PATH_MAX;
	if (!*n->link || object[0] != '/' || slash - object >= PATH_MAX)
		return false;
	dir = (int)(slash - object);
	size = snprintf(path, PATH_MAX, "%s%.*s%s/%s", place == DEBUG_IN_FOLDER ? folder : "", dir, object,
			place == DEBUG_BELOW ? "/.debug" : "", n->link);
	return size < PATH_MAX;
}
