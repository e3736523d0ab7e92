#include "mail/provider.h"

const char *login_case_name(enum login_case login_case)
{
	return login_case == LOGIN_CASE_LOWER ? "lower" : "keep";
}
