#include "mail/provider.h"

const char *login_case_name(enum login_case login_case)
{
	return login_case == LOGIN_CASE_LOWER ? "lower" : "keep";
}

const char *unanswered_name(enum unanswered unanswered)
{
	return unanswered == UNANSWERED_PATTERN ? "pattern" : "refuse";
}
