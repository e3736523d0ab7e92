#include "admin/change.h"

#include "admin/admin.h"
#include "admin/redirect-loops.h"
#include "admin/warnings.h"
#include "store/store.h"

int admin_open(struct admin *admin, bool creates, struct error *err)
{
	if (admin->store)
		return 0;
	return store_open(admin->database,
			  creates && admin->may_create ? STORE_WRITE : STORE_CHANGE, &admin->store,
			  err) == 0
		       ? 0
		       : -1;
}

int admin_begin(struct admin *admin, struct error *err)
{
	if (admin->store)
		return 0;
	if (admin_open(admin, true, err) < 0)
		return -1;
	return store_begin(admin->store, err);
}

int admin_commit(struct admin *admin, bool is_dry, struct error *err)
{
	/* An unrelated invalid row does not prevent a change of other rows. */
	admin_skip_invalid_rows(admin, admin->store);
	if (providers_warn(admin, err) < 0 || loops_check(admin, err) < 0)
		return -1;
	if (!is_dry)
		return store_commit(admin->store, err);
	store_rollback(admin->store);
	return 0;
}
